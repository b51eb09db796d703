import ArgumentParser
import DMSClient
import DMSModel
import NIOCore
import RedisLink

/// From the submission of a task to its arrival at a submitter that waits for it.
struct WakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "Measure the time from a task's submission to its arrival at a submitter that waits.",
        discussion: """
            Rounds of three measurements take turns: the floor's round trip, a task submitted at the server where the \
            submitter waits, and one submitted at the other server, where there is one.
            """)

    @Option(help: "Where the submitter waits.")
    var server = "127.0.0.1:8001"

    @Option(help: "A second scheduler on the same Redis.")
    var otherServer: String?

    @Option(help: "The Redis that the floor is measured on.")
    var redis: String

    @Option(help: "Measurements a round.")
    var samples = 1000

    @Option(help: "Rounds; the first one more warms up and does not count.")
    var rounds = 5

    func run() async throws {
        let url = try RedisURL(redis)
        let waiting = DMSClient(address: try ServerAddress(server))
        let submitting = DMSClient(address: try ServerAddress(server))
        let other = try otherServer.map { DMSClient(address: try ServerAddress($0)) }
        let (samples, rounds) = (samples, rounds)
        try await Floor.with(url) { floor in
            var figures: [(name: String, p50: [Double], p99: [Double])] = [
                ("floor: Redis's round trip", [], []), ("same scheduler", [], []), ("two schedulers", [], []),
            ]
            for round in 0...rounds {
                var results = [try await WakeCommand.measureFloor(floor, samples)]
                results.append(try await WakeCommand.measure(waiting, submitting, samples, "same-\(round)"))
                if let other {
                    results.append(try await WakeCommand.measure(waiting, other, samples, "other-\(round)"))
                }
                print("round \(round) of \(rounds)", results.map { "p50 \($0.percentile(50).rounded()) µs" })
                guard round > 0 else { continue }
                for (index, result) in results.enumerated() {
                    figures[index].p50.append(result.percentile(50))
                    figures[index].p99.append(result.percentile(99))
                }
            }
            let base = (p50: figures[0].p50.median, p99: figures[0].p99.median)
            for figure in figures where !figure.p50.isEmpty {
                let p50 = (figure.p50.median / base.p50 * 100).rounded() / 100
                let p99 = (figure.p99.median / base.p99 * 100).rounded() / 100
                print(
                    "\(figure.name): p50 \(figure.p50.summary), \(p50) × the floor's; p99 \(figure.p99.summary), \(p99) ×"
                )
            }
        }
        for client in [waiting, submitting, other].compactMap(\.self) { await client.close() }
    }

    private static func measureFloor(_ floor: Floor, _ samples: Int) async throws -> Latencies {
        try await floor.fill(samples)
        var latencies = Latencies()
        for _ in 0..<samples {
            let start = ContinuousClock.now
            try await floor.handOut()
            latencies.add(.now - start)
        }
        return latencies
    }

    private static func measure(
        _ waiting: DMSClient, _ submitting: DMSClient, _ samples: Int, _ name: String
    ) async throws -> Latencies {
        var latencies = Latencies()
        let parameters = ByteBuffer(
            string: #"{"from":"/data/a","to":"/data/b","note":"\#(String(repeating: "x", count: 80))"}"#)
        for number in 0..<samples {
            async let arrival = arrive(at: waiting)
            while try await waiting.tasks.stats().waitingSubmitters == 0 {}
            let id = TaskID("wake-\(name)-\(number)-\(UInt64.random(in: 0 ... .max))")
            let submission = TaskSubmission(taskID: id, service: "copy", userID: "bench", parameters: parameters)
            let start = ContinuousClock.now
            async let enqueued = submitting.tasks.enqueue(submission)
            let (taken, end) = try await arrival
            guard taken == id else { throw BenchFailure("another task arrived: \(taken)") }
            latencies.add(end - start)
            _ = try await enqueued
        }
        return latencies
    }

    private static func arrive(at client: DMSClient) async throws -> (TaskID, ContinuousClock.Instant) {
        let answer = try await client.submitter.next(NextRequest(waitMilliseconds: 60_000), isReplayable: false)
        let now = ContinuousClock.now
        guard let task = answer.tasks.first else { throw BenchFailure("no task arrived") }
        return (task.taskID, now)
    }
}
