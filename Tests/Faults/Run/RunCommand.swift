import ArgumentParser
import Foundation

/// One run: load and faults for a time, then peace, then the check.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Make faults for a while, heal them, and check what was answered.")

    @Option(help: "What decides on calls and faults; how processes are scheduled is not in its hands.")
    var seed: UInt64 = .random(in: 1...999_999)

    @Option(help: "How long faults are made.")
    var seconds = 60.0

    @Option(
        help:
            "all, none, or kinds with commas between them: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var faults = "all"

    @Option(help: "Schedulers on the one Redis.")
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
        guard FaultKind.list(faults) != nil else {
            throw ValidationError("there is no such kind of fault in '\(faults)'")
        }
        guard schedulers > 0, clients > 0, seconds > 0 else { throw ValidationError("numbers must be above 0") }
    }

    func run() async throws {
        let plan = RunPlan(
            seed: seed, seconds: seconds, faults: FaultKind.list(faults) ?? [], schedulers: schedulers,
            clients: clients, program: scheduler, keepsFolder: keep)
        let report = try await FaultRun.perform(plan)
        print(report.text)
        if let path = self.report { try report.json.write(to: URL(fileURLWithPath: path)) }
        if report.isViolated { throw ExitCode(1) }
    }
}

/// What a run is to do.
struct RunPlan: Sendable {
    var seed: UInt64
    var seconds: Double
    var faults: Set<FaultKind>
    var schedulers: Int
    var clients: Int
    var program: String
    var keepsFolder: Bool
}
