import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

/// Records that are too large for a small read.
@Suite(.timeLimit(.minutes(1))) struct LargeRecordTests {
    @Test func `a large task whose position is not known is read again, on its own connection's room`() async throws {
        try await Harness.with { harness in
            let parameters = #"{"x":""# + String(repeating: "y", count: 200_000) + #""}"#
            try await harness.enqueue("large", parameters: parameters)
            try await harness.redis.call("ZREM", "dms:positions:low", "large")
            let origin = CallOrigin()
            let summary = try await harness.pool.call { $0.get(TaskID("large"), from: origin) }
            #expect(summary.queuePosition?.positionInPriority == 1)
            #expect(summary.record.parameters == ByteBuffer(string: parameters))
            let room = origin.takeRoom()
            #expect(room != nil)
            #expect(harness.pool.answers.bytesInUse > 200_000)
            withExtendedLifetime(room) {}
        }
    }

    @Test func `a large task is read for many callers at once, and their room is given back`() async throws {
        try await Harness.with { harness in
            let parameters = #"{"x":""# + String(repeating: "y", count: 1_000_000) + #""}"#
            try await harness.enqueue("large", parameters: parameters)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await harness.get("large").record.parameters.readableBytes }
                }
                for try await bytes in group { #expect(bytes == parameters.utf8.count) }
            }
            try await eventually { harness.pool.answers.bytesInUse == 0 }
        }
    }
}
