import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@Suite struct TaskOrderTests {
    private static let times = [
        "2025-11-23T10:11:12.123456", "2025-11-23T10:11:12", "2025-11-23T10:11:12.5", "2025-11-23T10:11:12.123456789",
        "2025-11-23T10:11:12Z", "2025-11-23T10:11:12.000001Z", "2025-11-23T10:11:12+05:30", "2025-11-23T10:11:12-00:45",
        "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "0000-01-01T00:00:00", "0001-03-01T00:00:00",
        "2000-02-29T12:00:00", "1900-02-28T23:59:59", "2024-02-29T00:00:00.1", "2024-12-31T23:59:59",
        "2255-06-05T23:47:34.740991Z", "2038-01-19T03:14:08", "2100-03-01T00:00:00Z",
    ]

    @Test func `a Redis of another program is ordered by its times, naive ones too`() async throws {
        try await Harness.with(prepare: { redis in
            for (index, time) in TaskOrderTests.times.enumerated() {
                try await Foreign.add("t\(index)", at: time, to: redis)
            }
        }) { harness in
            try await harness.built()
            let listed = try await harness.page(TaskQuery()).tasks
            let expected = TaskOrderTests.times.enumerated().compactMap { index, time in
                Timestamp(text: time).map { (time: $0, id: "t\(index)") }
            }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
            #expect(expected.count == TaskOrderTests.times.count)
            #expect(listed.map(\.taskID.text) == expected.map(\.id))
            #expect(listed.map(\.enqueuedAt) == expected.map(\.time))
            for (time, id) in expected where abs(time.microseconds) < 1 << 53 {
                let score = try await harness.text("ZSCORE", "dms:enqueued", id)
                #expect(score.flatMap(Double.init) == Double(time.microseconds))
            }
            let added = try await harness.enqueue("ours")
            let score = try await harness.text("ZSCORE", "dms:enqueued", "ours")
            #expect(score.flatMap(Double.init) == Double(added.enqueuedAt.microseconds))
        }
    }

    @Test func `what has no record that can be read is left out, until it has one`() async throws {
        try await Harness.with(prepare: { redis in
            try await Foreign.add("good", to: redis)
            try await Foreign.add("yesterday", at: "yesterday", to: redis)
            try await Foreign.add("february", at: "2025-02-30T10:11:12", to: redis)
            try await Foreign.add("list", parameters: "[1]", to: redis)
            try await redis.call("SADD", "dms:task:index", "ghost", "half", "hash", "other")
            try await redis.call("SET", "dms:task:half", #"{"task_id":"half","service":"s""#)
            try await redis.call("HSET", "dms:task:hash", "a", "b")
            try await redis.call("SET", "dms:task:other", Foreign.record("another"))
        }) { harness in
            try await harness.built()
            #expect(try await harness.listed() == ["good"])
            let leftOut = try await harness.list("SMEMBERS", "dms:enqueued:left-out")
            #expect(Set(leftOut) == ["yesterday", "february", "list", "ghost", "half", "hash", "other"])
            try await harness.redis.call("SET", "dms:task:ghost", Foreign.record("ghost", at: "2025-11-23T10:11:13"))
            try await eventually { try await harness.listed() == ["good", "ghost"] }
            try await eventually { try await harness.list("SMEMBERS", "dms:enqueued:left-out").count == 6 }
        }
    }

    @Test func `what another program adds or takes away later shows on the next first page`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            try await harness.enqueue("ours")
            #expect(try await harness.listed() == ["ours"])
            try await Foreign.add("theirs", to: harness.redis)
            try await eventually { try await harness.listed() == ["theirs", "ours"] }
            try await harness.redis.call("DEL", "dms:task:theirs")
            #expect(try await harness.listed() == ["ours"])
            try await harness.redis.call("SREM", "dms:task:index", "theirs")
            #expect(try await harness.listed() == ["ours"])
            try await eventually {
                _ = try await harness.listed()
                return try await harness.list("ZRANGE", "dms:enqueued", "0", "-1") == ["ours"]
            }
            // A Redis that was emptied is complete at once.
            try await harness.redis.call("FLUSHALL")
            try await eventually { (try? await harness.listed()) == [] }
        }
    }

    @Test func `the order that is not built yet is said, and is built when it can be`() async throws {
        try await Harness.with(prepare: { redis in
            try await redis.call("SET", "dms:enqueued:left-out", "not yours")
            try await Foreign.add("a", to: redis)
        }) { harness in
            do {
                _ = try await harness.page(TaskQuery())
                Issue.record("a list was answered without its order")
            } catch let error as SchedulerError {
                #expect(error.reason == .storeUnavailable)
                #expect(error.retryAfter == .seconds(1))
                #expect(error.message.contains("still being built"))
            }
            try await harness.redis.call("DEL", "dms:enqueued:left-out")
            try await eventually { (try? await harness.listed()) == ["a"] }
        }
    }

    @Test func `an order of the wrong type fails a submission before anything is written`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            try await harness.redis.call("DEL", "dms:enqueued")
            try await harness.redis.call("SET", "dms:enqueued", "not yours")
            let refusal = try await Harness.refusal { try await harness.enqueue("a") }
            #expect(refusal == .storeUnavailable)
            #expect(try await harness.text("GET", "dms:task:a") == nil)
            #expect(try await harness.list("LRANGE", "dms:queue:low", "0", "-1") == [])
        }
    }

    @Test func `a reader that knows nothing yet has lists read at the writer`() async throws {
        try await TestRedis.with { reader in
            try await reader.lagBehind()
            try await Harness.with(configure: { $0.reader = reader.url }) { harness in
                try await harness.built()
                for id in ["a", "b", "c"] { try await harness.enqueue(id) }
                #expect(try await harness.pages(TaskQuery(pageSize: 2)) == [["a", "b"], ["c"]])
            }
        }
    }

    @Test func `lists are read at the reader`() async throws {
        try await TestRedis.with { reader in
            try await reader.lagBehind()
            try await reader.call("SET", "dms:enqueued:built", "1")
            try await reader.call("ZADD", "dms:enqueued", "1", "there")
            try await Foreign.add("there", to: reader)
            try await Harness.with(configure: { $0.reader = reader.url }) { harness in
                try await harness.built()
                try await harness.enqueue("a")
                #expect(try await harness.listed() == ["there"])
            }
        }
    }
}

@Suite struct TaskOrderRaceTests {
    private static let count = 20_000

    @Test func `several schedulers build the order at once while tasks come`() async throws {
        try await Harness.with(prepare: { try await Foreign.fill($0, count: TaskOrderRaceTests.count, perSecond: 300) })
        {
            harness in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for scheduler in 0..<2 {
                    group.addTask {
                        try await Harness.with(harness.redis) { pool in
                            let other = Harness(redis: harness.redis, pool: pool)
                            for number in 0..<100 { try await other.enqueue("new-\(scheduler)-\(number)") }
                            try await eventually { (try? await other.page(TaskQuery())) != nil }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let ids = try await harness.listed(TaskQuery(pageSize: 1000))
            #expect(ids.count == TaskOrderRaceTests.count + 200)
            #expect(Set(ids).count == ids.count)
        }
    }

    @Test func `a scheduler that ends while it builds the order leaves it to the next`() async throws {
        try await TestRedis.with(persistent: true) { redis in
            try await Foreign.fill(redis, count: TaskOrderRaceTests.count, perSecond: 300)
            try await Harness.with(redis) { _ in
                try await eventually { try await redis.call("ZCARD", "dms:enqueued") != .integer(0) }
            }
            let half = try await redis.call("ZCARD", "dms:enqueued")
            try await Harness.with(redis) { _ in
                try await eventually {
                    let ordered = try await redis.call("ZCARD", "dms:enqueued")
                    return ordered != half || ordered == .integer(TaskOrderRaceTests.count)
                }
                try await redis.restart()
            }
            try await Harness.with(redis) { pool in
                let harness = Harness(redis: redis, pool: pool)
                try await eventually { (try? await harness.page(TaskQuery())) != nil }
                let ids = try await harness.listed(TaskQuery(pageSize: 1000))
                #expect(ids.count == TaskOrderRaceTests.count)
                #expect(Set(ids).count == ids.count)
            }
        }
    }
}
