import ArgumentParser
import Foundation

/// Hours in minutes: all kinds of calls at once, with something broken every few seconds.
struct SoakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Load two schedulers over both doors while servers are killed and stopped; check that nothing grows.",
        discussion: """
            Starts a redis-server without persistence and two schedulers. The second is killed and started again, and \
            Redis drops its connections, forgets its scripts and stands still for a while, one of these every few \
            seconds. At the end every task must be accounted for, and the first scheduler's memory and descriptors \
            must be what they were after the warm-up.
            """)

    @Option(help: "How long the load lasts, in minutes.")
    var minutes = 10.0

    @Option(help: "Connections that do nothing.")
    var idle = 10_000

    @Option(help: "Clients that call.")
    var active = 1000

    @Option(help: "Tasks submitted a second, by all clients together.")
    var rate = 200.0

    @Option(help: "Seconds between two faults; 0: none.")
    var faultSeconds = 5.0

    @Option(help: "Which faults come, and when.")
    var seed: UInt64 = 1

    @Option(help: "Where to write all samples as JSON.")
    var report: String?

    func validate() throws {
        guard minutes > 0, idle >= 0, active >= 10, rate > 0, faultSeconds >= 0 else {
            throw ValidationError("There must be some time, some tasks and at least 10 clients.")
        }
    }

    func run() async throws {
        DescriptorLimit.raise()
        let plan = SoakPlan(
            time: .seconds(minutes * 60), idle: idle, active: active, rate: rate, faultSeconds: faultSeconds, seed: seed
        )
        let report = try await SoakRun.run(plan)
        if let path = self.report {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys]
            try encoder.encode(report).write(to: URL(fileURLWithPath: path))
        }
        print(report)
        guard report.broken.isEmpty else {
            throw BenchFailure("the soak failed: \(report.broken.joined(separator: "; "))")
        }
    }
}

/// What a soak does.
struct SoakPlan: Sendable, Codable {
    var time: Duration
    var idle: Int
    var active: Int
    /// Tasks submitted a second.
    var rate: Double
    var faultSeconds: Double
    var seed: UInt64

    /// Between two samples.
    static let sampleTime = Duration.seconds(2)
    /// Submissions wait while more tasks than this are neither finished nor canceled.
    static let openTasksMax = 2000

    /// What does not count for the question whether something grows.
    var warmUp: Duration { time / 5 }
}
