import DMSModel
import RedisLink
import Scheduler
import TestSupport
import Testing

/// How an index of positions is mended: in steps, and not all the time.
@Suite struct PositionMendingTests {
    /// Queues `t1` and so on as another program does: records and a list, and no index.
    private static func fill(_ redis: TestRedis, count: Int) async throws {
        let script = """
            for number = 1, tonumber(ARGV[1]) do
                local id = 't' .. number
                redis.call('SET', 'dms:task:' .. id, '{"task_id":"' .. id .. '","service":"copy","user_id":"ada",' ..
                    '"parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12",' ..
                    '"updated_at":"2025-11-23T10:11:12"}')
                redis.call('RPUSH', 'dms:queue:low', id)
            end
            """
        try await redis.call("EVAL", script, "0", "\(count)")
    }

    /// How often Redis did a command, within scripts too.
    private static func count(_ command: String, _ harness: Harness) async throws -> Int {
        let info = try await harness.text("INFO", "commandstats") ?? ""
        let start = "cmdstat_\(command):calls="
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix(start) }
        return line.flatMap { Int($0.dropFirst(start.count).prefix { $0 != "," }) } ?? 0
    }

    @Test func `an index is built in steps of a thousand ids while tasks come and go`() async throws {
        let count = 30_000
        try await Harness.with(prepare: { try await PositionMendingTests.fill($0, count: count) }) { harness in
            try await eventually {
                try await harness.redis.call("ZCARD", "dms:positions:low") == .integer(count)
            }
            // Thirty steps each, since no call looked at more.
            try await harness.redis.call("DEL", "dms:positions:low")
            try await harness.redis.call("CONFIG", "RESETSTAT")
            async let summary = harness.get("t\(count)")
            for number in 0..<20 {
                try await harness.enqueue("new\(number)")
                _ = try await harness.cancel("t\(100 + number)")
                #expect(try await harness.nextIDs() == ["t\(number + 1)"])
            }
            _ = try await summary
            try await eventually {
                let place = try await harness.get("new19").queuePosition?.positionInPriority
                return place == UInt64(count + 20 - 40)
            }
            #expect(try await PositionMendingTests.count("zmscore", harness) >= 25)
            #expect(try await harness.get("t21").queuePosition?.positionInPriority == 1)
            #expect(try await harness.get("t\(count)").queuePosition?.positionInPriority == UInt64(count - 40))
        }
    }

    @Test func `Gets of a task that is in no queue do not have a long list walked through time and again`() async throws
    {
        let count = 20_000
        try await Harness.with(prepare: { redis in
            try await PositionMendingTests.fill(redis, count: count)
            try await redis.call("SET", "dms:task:lost", Foreign.record("lost", status: "queued"))
        }) { harness in
            try await eventually {
                try await harness.redis.call("ZCARD", "dms:positions:low") == .integer(count)
            }
            try await harness.redis.call("CONFIG", "RESETSTAT")
            for _ in 0..<100 { #expect(try await harness.get("lost").queuePosition == nil) }
            let walks = try await PositionMendingTests.count("lpos", harness)
            #expect((1..<50).contains(walks))
            try await harness.redis.call("CONFIG", "RESETSTAT")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask { _ = try await harness.get("lost") }
                }
                try await group.waitForAll()
            }
            #expect(try await PositionMendingTests.count("lpos", harness) < 20)
        }
    }

    @Test func `an overview reads no record`() async throws {
        try await Harness.with { harness in
            for number in 0..<20 { try await harness.enqueue("t\(number)") }
            try await harness.redis.call("CONFIG", "RESETSTAT")
            let overview = try await harness.pool.call { $0.overview() }
            #expect(overview.low == 20)
            for command in ["get", "mget", "getrange", "lrange"] {
                #expect(try await PositionMendingTests.count(command, harness) == 0)
            }
        }
    }
}
