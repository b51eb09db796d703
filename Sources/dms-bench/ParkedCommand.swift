import ArgumentParser
import DMSClient
import DMSModel
import Foundation
import NIOCore

/// What a submitter that waits costs the scheduler.
struct ParkedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked",
        abstract: "Hold connections that each wait for a task, and say what each costs in memory.",
        discussion: "The scheduler must run on this machine; its memory is read from /proc.")

    @Option(help: "The scheduler.")
    var server = "127.0.0.1:8001"

    @Option(help: "The scheduler's process.")
    var pid: Int

    @Option(help: "How many connections.")
    var connections = 10_000

    func run() async throws {
        raiseDescriptorLimit()
        let address = try ServerAddress(server)
        let observer = DMSClient(address: address)
        _ = try await observer.tasks.stats()
        let before = try memory()
        let options = ClientOptions(retriesConnecting: true)
        let clients = (0..<connections).map { _ in DMSClient(address: address, options: options) }
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            for client in clients {
                tasks.addTask {
                    let request = NextRequest(waitMilliseconds: 600_000)
                    do {
                        return try await client.submitter.next(request, isReplayable: false).tasks.count
                    } catch DMSClientError.closed, DMSClientError.outcomeUnknown {
                        return 0  // the end of the measurement closed it
                    }
                }
            }
            try await wait(for: connections, observer)
            let after = try memory()
            let start = ContinuousClock.now
            let submission = TaskSubmission(
                taskID: TaskID("parked-\(UInt64.random(in: 0 ... .max))"), service: "copy", userID: "bench",
                parameters: ByteBuffer(string: "{}"))
            _ = try await observer.tasks.enqueue(submission)
            let woken = try await tasks.next() ?? 0
            let time = ContinuousClock.now - start
            let left = try await observer.tasks.stats().waitingSubmitters
            guard woken == 1, left == connections - 1 else {
                throw BenchFailure("one task woke \(woken), and \(left) wait on")
            }
            print(
                """
                \(connections) connections wait: \(after - before) KiB more than without them, \
                \((after - before) * 1024 / max(connections, 1)) bytes each
                one task woke one of them, after \(time)
                """)
            for client in clients { await client.close() }
            while try await tasks.next() != nil {}
        }
        await observer.close()
    }

    /// Waits until so many calls are parked; gives up once none comes any more.
    private func wait(for connections: Int, _ observer: DMSClient) async throws {
        var (parked, lastGrowth) = (UInt64(0), ContinuousClock.now)
        while parked < connections {
            let now = try await observer.tasks.stats().waitingSubmitters
            if now > parked { (parked, lastGrowth) = (now, .now) }
            guard ContinuousClock.now - lastGrowth < .seconds(10) else {
                throw BenchFailure("only \(parked) of \(connections) calls wait at the scheduler")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The process's resident memory in KiB.
    private func memory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        guard let match = status.firstMatch(of: #/VmRSS:\s+(\d+) kB/#), let size = Int(match.1) else {
            throw BenchFailure("the process \(pid) does not say how much memory it has")
        }
        return size
    }

    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
