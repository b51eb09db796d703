import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite struct PositionTests {
    @Test func `positions count from 1, inside the queue and over all queues`() async throws {
        try await Harness.with { harness in
            for (id, priority) in [("l1", Priority.low), ("m1", .mid), ("h1", .high), ("l2", .low), ("h2", .high)] {
                try await harness.enqueue(id, priority)
            }
            let summary = try await harness.get("l2")
            #expect(
                summary.queuePosition
                    == QueuePosition(priority: .low, positionInPriority: 2, globalPosition: 5))
            #expect(summary.overview == QueueOverview(high: 2, mid: 1, low: 2))
            #expect(try await harness.get("m1").queuePosition?.globalPosition == 3)
            _ = try await harness.next(2)
            #expect(try await harness.get("m1").queuePosition?.globalPosition == 1)
        }
    }

    /// What another program may do to a list, and the order that the list has then.
    @Test(arguments: [
        [["RPUSH", "dms:queue:low", "x"]], [["LPOP", "dms:queue:low"]], [["LREM", "dms:queue:low", "0", "c"]],
        [["LPUSH", "dms:queue:low", "x"]], [["LPOP", "dms:queue:low"], ["RPUSH", "dms:queue:low", "x"]],
        [["RPOPLPUSH", "dms:queue:low", "dms:queue:low"]], [["RPUSH", "dms:queue:low", "b", "x", "b"]],
        [["DEL", "dms:positions:low"]], [["ZADD", "dms:positions:low", "0", "ghost"]],
        [["DEL", "dms:queue:low"], ["RPUSH", "dms:queue:low", "e", "d", "c", "b", "a"]],
        [["LPOP", "dms:queue:low", "2"], ["RPUSH", "dms:queue:low", "x", "y"]], [["DEL", "dms:sequence"]],
    ])
    func `whatever else writes a queue, positions are the list's`(_ commands: [[String]]) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d", "e"] { try await harness.enqueue(id) }
            for id in ["x", "y"] {
                try await harness.enqueue(id, .high)
                _ = try await harness.setPriority(id, .low)
                // Known tasks that stand in no queue.
                _ = try await harness.redis.call(["LREM", "dms:queue:low", "0", id])
                _ = try await harness.redis.call(["ZREM", "dms:positions:low", id])
            }
            for command in commands { _ = try await harness.redis.call(command) }
            var seen: Set<String> = []
            let order = try await harness.list("LRANGE", "dms:queue:low", "0", "-1").filter { seen.insert($0).inserted }
            for (index, id) in order.enumerated() {
                #expect(try await harness.get(id).queuePosition?.positionInPriority == UInt64(index + 1))
            }
            for id in ["a", "b", "c", "d", "e", "x", "y"] where !order.contains(id) {
                #expect(try await harness.get(id).queuePosition == nil)
            }
            try await harness.enqueue("last")
            #expect(try await harness.get("last").queuePosition?.positionInPriority == UInt64(order.count + 1))
            #expect(try await harness.nextIDs(100) == order + ["last"])
            #expect(try await harness.list("KEYS", "dms:[qp]*:*").isEmpty)
        }
    }
}

@Suite struct HiddenChangeTests {
    @Test func `what another program appended is not hidden behind our own submissions`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            try await harness.enqueue("y", .high)
            // A cancel and a priority change by a program that knows no index: as many ids as before.
            try await harness.redis.call("LREM", "dms:queue:low", "0", "b")
            try await harness.redis.call("LPOP", "dms:queue:high")
            try await harness.redis.call("RPUSH", "dms:queue:low", "y")
            try await harness.enqueue("w")
            for (index, id) in ["a", "c", "w"].enumerated() {
                let position = try await harness.get(id).queuePosition?.positionInPriority
                #expect(position == UInt64(id == "w" ? 4 : index + 1))
            }
            let order = try await harness.nextIDs(10)
            #expect(order == ["a", "c", "y", "w"])
        }
    }

    @Test func `a queued task in the middle of a list is found, whatever the ends say`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "x"] { try await harness.enqueue(id) }
            try await harness.redis.call("LREM", "dms:queue:low", "0", "x")
            try await harness.redis.call("ZREM", "dms:positions:low", "x")
            try await harness.redis.call("LREM", "dms:queue:low", "0", "b")
            try await harness.redis.call("LINSERT", "dms:queue:low", "AFTER", "a", "x")
            let position = try await harness.get("x").queuePosition?.positionInPriority
            #expect(position == 2)
        }
    }

    @Test func `an index that cannot be mended costs the position, not the answer`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            // No number can be given to an id.
            try await harness.redis.call("SET", "dms:sequence", "many")
            try await harness.redis.call("DEL", "dms:positions:low")
            let summary = try await harness.get("b")
            #expect(summary.record.status == .queued)
            #expect(summary.queuePosition == nil)
        }
    }

    @Test(arguments: ["high", "mid", "low"])
    func `an index of the wrong type fails cancel and priority change before anything is written`(
        _ queue: String
    ) async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            try await harness.redis.call("DEL", "dms:positions:\(queue)")
            try await harness.redis.call("SET", "dms:positions:\(queue)", "not yours")
            let canceled = try await Harness.refusal { _ = try await harness.cancel("a") }
            let moved = try await Harness.refusal { _ = try await harness.setPriority("a", .high) }
            #expect(canceled == .storeUnavailable)
            #expect(moved == .storeUnavailable)
            try await harness.redis.call("DEL", "dms:positions:\(queue)")
            let position = try await harness.get("a").queuePosition?.globalPosition
            #expect(position == 1)
            let order = try await harness.nextIDs(5)
            #expect(order == ["a"])
        }
    }
}

@Suite struct TakeOverTests {
    /// What the Python service leaves: naive times, spaces in the block flag, no index of positions.
    private static func fill(_ redis: TestRedis) async throws {
        func record(_ id: String, _ parameters: String, _ priority: String, _ status: String, _ time: String) -> String
        {
            #"{"task_id":"\#(id)","service":"s","user_id":"u","parameters":\#(parameters),"priority":"\#(priority)","#
                + #""status":"\#(status)","enqueued_at":"\#(time)","updated_at":"\#(time)"}"#
        }
        let big = #"{"n":9007199254740993,"e":[],"deep":{"status":"queued"}}"#
        for (id, text) in [
            ("old", record("old", big, "low", "queued", "2025-11-23T10:11:12.123456")),
            ("whole", record("whole", "{}", "high", "queued", "2025-11-23T10:11:12")),
            ("gone", record("gone", "{}", "low", "dispatched", "2025-11-23T10:11:12.5")),
            ("other", record("another", "{}", "low", "queued", "2025-11-23T10:11:12")),
            ("list", record("list", "[1]", "low", "queued", "2025-11-23T10:11:12")),
            ("when", record("when", "{}", "low", "queued", "yesterday")),
            ("half", #"{"task_id":"half","service":"s""#),
            ("moved", record("moved", "{}", "low", "queued", "2025-11-23T10:11:12")),
        ] {
            try await redis.call("SET", "dms:task:\(id)", text)
            try await redis.call("SADD", "dms:task:index", id)
        }
        try await redis.call("RPUSH", "dms:queue:low", "ghost", "gone", "other", "when", "half", "old", "old")
        // A priority change that stopped halfway: pushed to its new queue, still in the old one, the record as before.
        try await redis.call("RPUSH", "dms:queue:low", "moved")
        try await redis.call("RPUSH", "dms:queue:high", "whole", "moved")
        try await redis.call(
            "HSET", "dms:stats", "queued", "7", "dispatched", "1", "last_updated", "2025-11-23T10:11:12.5")
        try await redis.call(
            "SET", "dms:block:frontend",
            #"{"blocked": true, "reason": "caf\u00e9 \"blocked\": false", "updated_at": "2025-11-23T10:11:12.000001"}"#)
    }

    @Test func `a Redis of the Python service is taken over as it is`() async throws {
        try await Harness.with(prepare: TakeOverTests.fill) { harness in
            let state = try await harness.pool.call { $0.blockState(caller: Harness.asOperator) }
            #expect(state.blocked)
            #expect(state.reason == "café \"blocked\": false")
            #expect(state.updatedAt?.description == "2025-11-23T10:11:12.000001Z")
            #expect(try await Harness.refusal { try await harness.enqueue("new") } == .submissionsBlocked)
            _ = try await harness.pool.call { $0.resume(reason: nil, caller: Harness.asOperator) }
            #expect(
                try await harness.pool.call { $0.blockState(caller: Harness.asOperator) }.reason == state.reason)

            let old = try await harness.get("old")
            #expect(old.record.enqueuedAt.description == "2025-11-23T10:11:12.123456Z")
            #expect(old.queuePosition?.positionInPriority == 6)
            let statistics = try await harness.statistics()
            #expect(statistics.queued == 7)
            #expect(statistics.canceled == 0)
            #expect(statistics.lastUpdated?.description == "2025-11-23T10:11:12.500000Z")

            try await harness.enqueue("new")
            let tasks = try await harness.next(100)
            #expect(tasks.map(\.taskID.text) == ["whole", "moved", "old", "new"])
            #expect(String(buffer: tasks[2].parameters) == #"{"n":9007199254740993,"e":[],"deep":{"status":"queued"}}"#)
            #expect(tasks[1].priority == .high)
            #expect(tasks[0].enqueuedAt.description == "2025-11-23T10:11:12.000000Z")
            #expect(try await harness.statistics().dispatched == 5)
            #expect(try await harness.statistics().overview.total == 0)
            #expect(try await Harness.refusal { _ = try await harness.get("half") } == .taskNotFound)
        }
    }

    @Test func `a task of the Python service can be canceled and moved`() async throws {
        try await Harness.with(prepare: TakeOverTests.fill) { harness in
            #expect(try await harness.cancel("old", service: "s", user: "u").status == .canceled)
            #expect(try await harness.setPriority("moved", .mid).priority == .mid)
            #expect(try await harness.list("LRANGE", "dms:queue:mid", "0", "-1") == ["moved"])
            let tasks = try await harness.next(100)
            #expect(tasks.map(\.taskID.text) == ["whole", "moved"])
            #expect(try await harness.get("moved").record.attempt == 1)
        }
    }

    /// Records that Lua's JSON reader takes and ours does not, or that no frame could carry.
    @Test(arguments: [
        #""parameters":{"x":NaN},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12"}"#,
        #""parameters":[],"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12"}"#,
        #""parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12+0000","updated_at":"2025-11-23T10:11:12"}"#,
        #""parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"later"}"#,
        #""parameters":{},"priority":"low","status":"queued","enqueued_at":"junk.123456Z","updated_at":"2025-11-23T10:11:12"}"#,
    ])
    func `a record that cannot be read costs its own id only, and is not changed`(_ text: String) async throws {
        try await Harness.with { harness in
            let record = #"{"task_id":"bad","service":"s","user_id":"u","# + text
            try await harness.redis.call("SET", "dms:task:bad", record)
            try await harness.redis.call("RPUSH", "dms:queue:low", "bad")
            let canceled = try await Harness.refusal {
                _ = try await harness.cancel("bad", service: "s", user: "u")
            }
            let moved = try await Harness.refusal { _ = try await harness.setPriority("bad", .high) }
            #expect(canceled == .taskNotFound)
            #expect(moved == .taskNotFound)
            try await harness.enqueue("good")
            let order = try await harness.nextIDs()
            #expect(order == ["good"])
            let kept = try await harness.text("GET", "dms:task:bad")
            #expect(kept == record)
            let dispatched = try await harness.statistics().dispatched
            #expect(dispatched == 1)
        }
    }

    @Test func `a record that no frame could carry is dropped from its queue and costs nobody else`() async throws {
        try await Harness.with { harness in
            let record =
                #"{"task_id":"huge","service":"s","user_id":"u","parameters":{"x":""#
                + String(repeating: "y", count: 4_300_000)
                + #""},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12"}"#
            try await harness.redis.call("SET", "dms:task:huge", record)
            try await harness.redis.call("RPUSH", "dms:queue:low", "huge")
            try await harness.enqueue("good")
            let order = try await harness.nextIDs()
            #expect(order == ["good"])
            let status = try await harness.get("huge").record.status
            #expect(status == .queued)
            // It is not forgotten: whoever finds it can end it.
            #expect(try await harness.cancel("huge", service: "s", user: "u").status == .canceled)
        }
    }

    @Test func `a move that stopped halfway is ended by the next one`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a", .low)
            try await harness.redis.call("RPUSH", "dms:queue:high", "a")
            try await harness.redis.call("ZADD", "dms:positions:high", "1", "a")
            let moved = try await harness.setPriority("a", .mid)
            #expect(moved.priority == .mid)
            let high = try await harness.list("LRANGE", "dms:queue:high", "0", "-1")
            #expect(high.isEmpty)
            let task = try await harness.next().first
            #expect(task?.priority == .mid)
        }
    }
}
