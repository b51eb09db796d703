import DMSModel
import Scheduler
import TestSupport
import Testing

struct StatisticsTests {
    @Test func `the oldest queued task is known when it was moved, and behind ids that are dead`() async throws {
        try await Harness.with { harness in
            #expect(try await harness.statistics().oldestQueuedAt == nil)
            let oldest = try await harness.enqueue("a")
            try await harness.enqueue("b", .high)
            try await harness.enqueue("c")
            #expect(try await harness.statistics().oldestQueuedAt == oldest.enqueuedAt)
            // It stands behind a younger one now.
            _ = try await harness.setPriority("a", .high)
            #expect(try await harness.statistics().oldestQueuedAt == oldest.enqueuedAt)
            // One without a record, and one that is not queued.
            let taken = try await harness.next()
            #expect(taken.map(\.taskID.text) == ["b"])
            try await harness.redis.call("LPUSH", "dms:queue:high", "b", "nobody")
            #expect(try await harness.statistics().oldestQueuedAt == oldest.enqueuedAt)
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await harness.statistics().oldestQueuedAt == harness.get("c").record.enqueuedAt)
            _ = try await harness.next()
            #expect(try await harness.statistics().oldestQueuedAt == nil)
        }
    }

    @Test(
        arguments: ["queued", "dispatched", "canceled", "completed", "failed", "requeued"],
        [
            "9223372036854775807", "12345678901234567890", "1000000000000000", "1.5", "-", "",
        ])
    func `a counter that cannot be counted on is refused before anything is written`(
        counter: String, value: String
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let held = try await harness.leaseOne()
            try await harness.redis.call("HSET", "dms:stats", counter, value)
            let before = try await harness.contents()
            let refusal = try await Harness.refusal {
                switch counter {
                case "queued": try await harness.enqueue("d")
                case "dispatched": _ = try await harness.next(2)
                case "canceled": _ = try await harness.cancel("b")
                case "completed": try await harness.finish(held.reference, result: "1")
                case "failed": try await harness.finish(held.reference, error: "no")
                default: try await harness.giveBack(held.reference)
                }
            }
            #expect(refusal == .storeUnavailable)
            #expect(try await harness.contents() == before)
        }
    }

    @Test func `a counter counts up to fifteen digits`() async throws {
        try await Harness.with { harness in
            try await harness.redis.call("HSET", "dms:stats", "queued", "999999999999998")
            try await harness.enqueue("a")
            #expect(try await harness.statistics().queued == 999_999_999_999_999)
        }
    }
}
