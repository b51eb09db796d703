import ArgumentParser
import Foundation

/// Whether anything costs more when much is queued.
struct GrowthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "growth",
        abstract: "Measure how the calls' times depend on how many tasks are queued.",
        discussion: """
            Starts a redis-server without persistence and a scheduler. One client makes one call at a time; cancel and \
            priority change are of tasks in the middle of the queue. Redis's own time is what it was busy for a call.
            """)

    @Option(help: "How many tasks are queued.")
    var sizes = [1000, 10_000, 100_000, 1_000_000]

    @Option(help: "Calls of each kind.")
    var calls = 400

    func run() async throws {
        try await BenchServers.with { servers in
            let bench = try await LoadBench(servers, scale: 1)
            print("    queued  call           p50 µs   p99 µs   Redis µs")
            for size in sizes {
                try await servers.flush()
                try await bench.fill(size + calls, 1)
                let middle = calls + size / 2 - 2 * calls
                for (name, call, first) in [
                    ("get", RPCLoad.Call.get, calls + 1), ("next", .next, 1), ("enqueue", .enqueue, size + calls + 1),
                    ("cancel", .cancel, max(middle, calls + 1)),
                    ("set priority", .setPriority, max(middle, calls + 1) + calls / 2),
                ] {
                    let isMove = call == .cancel || call == .setPriority
                    try await servers.resetStatistics()
                    let figures = try await bench.rpc(
                        call, LoadPoint(1, 1), isMove ? calls / 2 : calls, first,
                        tasks: call == .get ? size : call == .next ? size + calls : nil)
                    let busy = try await servers.scriptMicroseconds()
                    let label = name.padding(toLength: 12, withPad: " ", startingAt: 0)
                    print(
                        String(
                            format: "%10d  %@ %8.0f %8.0f %10.1f", size, label as NSString, figures.figures.p50,
                            figures.figures.p99, busy))
                }
            }
        }
    }
}
