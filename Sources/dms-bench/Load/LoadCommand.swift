import ArgumentParser
import Foundation

/// Throughput, latency and processor time under load, next to Redis alone in the same run.
struct LoadCommand: AsyncParsableCommand {
    /// What is measured.
    enum Call: String, ExpressibleByArgument, CaseIterable {
        case next, enqueue, get
        case nextAck = "next+ack"
        case restNext = "rest-next"
        case restEnqueue = "rest-enqueue"
        case restGet = "rest-get"
    }

    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Measure throughput, latency and processor time, next to plain Redis in the same run.",
        discussion: """
            Starts a redis-server without persistence, and the dms-scheduler that lies beside this program on its unix \
            socket. Rounds of both take turns, over TCP: the floor makes one script call a task at Redis, the scheduler \
            does the same as a scheduler. Every task that is handed out must come exactly once. Ratios are medians of \
            the rounds' own ratios, with the least and the most.
            """)

    @Argument(help: "What to measure: \(Call.allCases.map(\.rawValue).joined(separator: ", ")).")
    var calls: [Call] = [.next]

    @Option(help: "Connections x calls in flight on each.")
    var points = LoadPoint.usual

    @Option(help: "Rounds; one more warms up and does not count.")
    var rounds = 5

    @Option(help: "Times as many calls as usual.")
    var scale = 1.0

    @Flag(help: "Compare with beanstalkd's reserve and delete too (needs beanstalkd; one call in flight a connection).")
    var beanstalkd = false

    @Option(help: "Replicas, all of which have to confirm each write of the scheduler; the floor waits for none.")
    var replicas = 0

    @Option(help: "Where to write the figures as JSON.")
    var json: String?

    @Option(
        name: .customLong("scheduler"), parsing: .unconditionalSingleValue,
        help: "An argument for the scheduler; may be given several times.")
    var schedulerArguments: [String] = []

    func run() async throws {
        try await BenchServers.with(
            schedulerArguments: schedulerArguments, replicas: replicas, beanstalkd: beanstalkd, measure)
    }

    private func measure(_ servers: BenchServers) async throws {
        var bench = try await LoadBench(servers, scale: scale)
        var results: [LoadResult] = []
        for call in calls {
            print("\(call.rawValue)\n\(LoadResult.heading)")
            for point in points {
                var measured: [LoadBench.Round] = []
                for round in 0...rounds {
                    try await servers.flush()
                    let figures = try await bench.round(call, point)
                    if round > 0 { measured.append(figures) }
                    FileHandle.standardError.write(Data("\r\(point): round \(round) of \(rounds)   \r".utf8))
                }
                let result = LoadResult(call: call.rawValue, point: point, rounds: measured)
                print(result)
                results.append(result)
            }
        }
        if let json {
            try results.write(to: json)
        }
    }
}
