import ArgumentParser
import DMSClient
import DMSModel
import NIOCore

/// A worker that finishes each task at once: load for a scheduler, until it is killed.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Take tasks under leases and finish each at once, until there was none for a while.")

    @Option(help: "The schedulers, separated by commas.")
    var server = "127.0.0.1:8001"

    @Option(help: "Tasks that one call takes.")
    var batch: UInt32 = 20

    @Option(help: "The leases' length in milliseconds.")
    var leaseMs: UInt32 = 2000

    @Option(help: "How long to wait for a task, in milliseconds, before the work is done.")
    var waitMs: UInt32 = 5000

    func run() async throws {
        let client = DMSClient(
            addresses: try ServerAddress.list(server),
            options: ClientOptions(deadline: .seconds(60), retriesConnecting: true))
        var finished = 0
        while true {
            let request = NextRequest(
                maxTasks: batch, waitMilliseconds: waitMs, leaseMilliseconds: leaseMs)
            let tasks: [LeasedTask]
            do {
                tasks = try await client.submitter.next(request).leasedTasks
            } catch {
                // A scheduler was killed; another one answers, or the same one again.
                continue
            }
            if tasks.isEmpty { break }
            await withTaskGroup(of: Bool.self) { group in
                for task in tasks {
                    group.addTask {
                        let lease = LeaseReference(taskID: task.record.taskID, token: task.leaseToken)
                        // A lease that ended meanwhile is another worker's, and so is the task.
                        return (try? await client.submitter.finish(lease, .completed(result: nil))) != nil
                    }
                }
                for await isDone in group where isDone { finished += 1 }
            }
        }
        print("finished \(finished)")
        await client.close()
    }
}
