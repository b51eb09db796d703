import TestSupport
import Testing

/// The load generator against real servers, small: what it counts and checks, not how fast it is.
@Suite(.serialized) struct BenchTests {
    @Test func `every kind of load runs, and each task comes exactly once`() async throws {
        try await withFolder { folder in
            let run = try await Program.run(
                "dms-bench",
                [
                    "load", "next", "next+ack", "enqueue", "get", "rest-next", "rest-enqueue", "rest-get", "--rounds",
                    "1",
                    "--scale", "0.01", "--points", "1x1", "--points", "4x3", "--json", "figures.json",
                ], folder: folder)
            #expect(run.code == 0, "\(run.errors)")
            // Two lines for each of two points, seven times; two more where calls share connections, for three of them.
            #expect(run.output.split(separator: "\n").count { $0.contains(" x ") } == 34, "\(run.output)")
        }
    }

    @Test func `wake-ups, growth and reads are measured`() async throws {
        try await withFolder { folder in
            let wake = try await Program.run("dms-bench", ["wake", "--samples", "20", "--rounds", "1"], folder: folder)
            #expect(wake.code == 0, "\(wake.errors)")
            #expect(wake.output.contains("two schedulers"))
            let growth = try await Program.run(
                "dms-bench", ["growth", "--sizes", "1000", "--calls", "40"], folder: folder)
            #expect(growth.code == 0, "\(growth.errors)")
            #expect(growth.output.contains("set priority"))
            let reads = try await Program.run(
                "dms-bench", ["reads", "--connections", "3", "--tasks", "20", "--seconds", "0.5"], folder: folder)
            #expect(reads.code == 0, "\(reads.errors)")
            #expect(reads.output.contains("beside reads: next p50"), "\(reads.output)")
        }
    }
}
