import ArgumentParser
import Foundation

/// One run: load and faults for a time, then peace, then the check.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Make faults for a while, heal them, and check what was answered.")

    private static let attemptsMax = 4

    @Option(help: "What decides on calls and faults; how processes are scheduled is not in its hands.")
    var seed: UInt64 = .random(in: 1...999_999)

    @Option(help: "How long faults are made.")
    var seconds = 60.0

    @Option(
        help:
            "all, none, or kinds with commas between them: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var faults = "all"

    @Flag(
        help:
            "A master and two replicas that sentinels run, in place of the one Redis; named by any fault of them, too."
    )
    var sentinel = false

    @Option(help: "Replicas that have to confirm a write, behind sentinels.")
    var minReplicas = 1

    @Option(help: "Schedulers on the Redis.")
    var schedulers = 2

    @Option(help: "Clients, each of which makes one call after another.")
    var clients = 12

    @Option(help: "The scheduler's program; by default the one beside this one.")
    var scheduler = "dms-scheduler"

    @Option(help: "A file for counts and violations, as JSON.")
    var report: String?

    @Flag(help: "Keep the folder with the logs and the append-only file.")
    var keep = false

    func validate() throws {
        guard let kinds = FaultKind.list(faults) else {
            throw ValidationError("there is no such kind of fault in '\(faults)'")
        }
        if faults != "all", let strange = kinds.first(where: { !$0.isPossible(behindSentinels: isBehindSentinels) }) {
            throw ValidationError(
                "\(strange.rawValue) can't be made \(isBehindSentinels ? "behind sentinels" : "without sentinels")")
        }
        guard schedulers > 0, clients > 0, seconds > 0 else { throw ValidationError("numbers must be above 0") }
        guard 0...SentinelServers.replicas ~= minReplicas else {
            throw ValidationError("there are \(SentinelServers.replicas) replicas")
        }
    }

    private var isBehindSentinels: Bool {
        sentinel || faults != "all" && FaultKind.list(faults)?.contains { $0.group == .sentinel } == true
    }

    private var kinds: Set<FaultKind> {
        var kinds = (FaultKind.list(faults) ?? []).filter { $0.isPossible(behindSentinels: isBehindSentinels) }
        // While a master that is well is deposed, a replica that still follows it confirms what is lost.
        if faults == "all", minReplicas < SentinelServers.replicas { kinds.remove(.sentinelFailover) }
        return kinds
    }

    func run() async throws {
        let plan = RunPlan(
            seed: seed, seconds: seconds, faults: kinds, isBehindSentinels: isBehindSentinels,
            minReplicas: minReplicas, schedulers: schedulers, clients: clients, program: scheduler,
            keepsFolder: keep)
        let report = try await report(plan)
        print(report.text)
        if let path = self.report { try report.json.write(to: URL(fileURLWithPath: path)) }
        if report.isViolated { throw ExitCode(1) }
    }

    /// What a run came to; one that says nothing is made again.
    private func report(_ plan: RunPlan) async throws -> RunReport {
        for _ in 1..<RunCommand.attemptsMax {
            do {
                return try await FaultRun.perform(plan)
            } catch is UnplannedFailover {
                FaultRun.note("the sentinels took a slow master for dead, so this run says nothing: once more")
            }
        }
        return try await FaultRun.perform(plan)
    }
}

/// What a run is to do.
struct RunPlan: Sendable {
    var seed: UInt64
    var seconds: Double
    var faults: Set<FaultKind>
    /// Whether sentinels run the servers, or there is one.
    var isBehindSentinels: Bool
    /// How many replicas have to confirm a write, where there are some.
    var minReplicas: Int
    var schedulers: Int
    var clients: Int
    var program: String
    var keepsFolder: Bool
}
