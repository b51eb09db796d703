import Foundation
import TestSupport
import Testing

/// A soak, short: what it checks, not how long it lasts.
@Suite(.serialized) struct SoakTests {
    @Test func `half a minute of load and faults loses no task and leaves nothing behind`() async throws {
        try await withFolder { folder in
            let soak = try await Program.run(
                "dms-bench",
                [
                    "soak", "--minutes", "0.4", "--idle", "100", "--active", "30", "--rate", "40", "--fault-seconds",
                    "3", "--report", "report.json",
                ], folder: folder, within: .seconds(180))
            #expect(soak.code == 0, "\(soak.output)\(soak.errors)")
            #expect(soak.output.contains("nothing grew, nothing was lost"))
            let report = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/report.json"))
            let root = try #require(try JSONSerialization.jsonObject(with: report) as? [String: Any])
            let samples = try #require(root["samples"] as? [[String: Any]])
            #expect(samples.count > 5)
            let faults = samples.flatMap { $0["faults"] as? [String] ?? [] }
            #expect(faults.count > 3)
        }
    }
}
