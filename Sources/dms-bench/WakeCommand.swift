import ArgumentParser
import DMSClient
import DMSModel
import Foundation
import NIOCore

/// From the submission of a task to its arrival at a submitter that waits for it.
struct WakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "Measure the time from a task's submission to its arrival at a submitter that waits.",
        discussion: """
            Starts a redis-server without persistence and two schedulers on its unix socket. Rounds of three \
            measurements take turns: the floor, which is one script call at Redis over TCP; a task submitted at the \
            scheduler where the submitter waits; and one submitted at the other scheduler.
            """)

    @Option(help: "Measurements a round.")
    var samples = 1000

    @Option(help: "Rounds; one more warms up and does not count.")
    var rounds = 5

    @Option(help: "Where to write the figures as JSON.")
    var json: String?

    func run() async throws {
        try await BenchServers.with(schedulers: 2, measure)
    }

    private func measure(_ servers: BenchServers) async throws {
        let bench = try await LoadBench(servers, scale: 1)
        let observer = DMSClient(address: .tcp(host: "127.0.0.1", port: servers.ports.rpc[0]))
        let waiter = try await WakeConnection.open(port: servers.ports.rpc[0], .nextWaiting)
        let submitters = [
            ("same scheduler", try await WakeConnection.open(port: servers.ports.rpc[0], .enqueue)),
            ("two schedulers", try await WakeConnection.open(port: servers.ports.rpc[1], .enqueue)),
        ]
        var results: [LoadBench.Round] = []
        var number = 1_000_000
        for round in 0...rounds {
            try await servers.flush()
            var figures = [try await bench.floorNext(LoadPoint(1, 1), samples, 1)]
            for (name, submitter) in submitters {
                var latencies = Latencies()
                for _ in 0..<samples {
                    number += 1
                    let arrival = try await waiter.call(0)
                    while try await observer.tasks.stats().waitingSubmitters == 0 {}
                    let submission = try await submitter.call(number)
                    latencies.add(nanoseconds: UInt64((try await arrival.get() - submission.start).nanoseconds))
                    _ = try await submission.get()
                }
                let wake = LoadDriver.Figures(p50: latencies.percentile(50), p99: latencies.percentile(99))
                figures.append((name, wake, 0))
            }
            if round > 0 { results.append(figures) }
            FileHandle.standardError.write(Data("\rround \(round) of \(rounds)   \r".utf8))
        }
        let result = LoadResult(call: "wake", point: LoadPoint(1, 1), rounds: results)
        for peer in result.peers {
            print(
                String(
                    format: "%8.0f µs p50 %8.0f µs p99   %.2f [%.2f..%.2f] x and %.2f [%.2f..%.2f] x the floor's  %@",
                    peer.p50Microseconds.median, peer.p99Microseconds.median, peer.p50Ratio.median,
                    peer.p50Ratio.least, peer.p50Ratio.most, peer.p99Ratio.median, peer.p99Ratio.least,
                    peer.p99Ratio.most, peer.name as NSString))
        }
        try json.map { try [result].write(to: $0) }
        await observer.close()
    }
}
