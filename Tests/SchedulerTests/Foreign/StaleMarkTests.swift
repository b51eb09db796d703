import DMSModel
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Marks in a queue that something else wrote: they never say what is not so.
@Suite struct StaleMarkTests {
    /// 300 queued tasks, of which twenty in the middle were canceled: their places hold marks.
    private static func with(queuedMax: Int = 0, _ body: (Harness) async throws -> Void) async throws {
        try await Harness.with(configure: { $0.queuedMax = queuedMax }) { harness in
            for number in 0..<300 { try await harness.enqueue("t\(number)") }
            for number in 140..<160 { _ = try await harness.cancel("t\(number)") }
            #expect(try await harness.list("ZRANGE", "dms:marks:low", "0", "-1").count == 20)
            try await body(harness)
        }
    }

    /// New tasks stand at 1 and so on, and as many are counted as there are.
    private static func checkNewTasks(_ harness: Harness) async throws {
        for number in 1...5 {
            try await harness.enqueue("new\(number)")
            #expect(try await harness.statistics().overview == QueueOverview(high: 0, mid: 0, low: UInt64(number)))
            let overview = try await harness.pool.call { $0.overview() }
            #expect(overview.low == UInt64(number))
            let summary = try await harness.get("new\(number)")
            #expect(summary.queuePosition?.positionInPriority == UInt64(number))
            #expect(summary.queuePosition?.globalPosition == UInt64(number))
            #expect(summary.overview.low == UInt64(number))
        }
        #expect(try await harness.nextIDs(10) == (1...5).map { "new\($0)" })
        #expect(try await harness.list("KEYS", "dms:marks:*") == [])
        #expect(try await harness.list("KEYS", "dms:positions:*") == [])
    }

    @Test func `marks go with a queue that is drained after another program pushed to it`() async throws {
        try await StaleMarkTests.with { harness in
            try await harness.redis.call("RPUSH", "dms:queue:low", "t0")
            try await harness.enqueue("last")
            #expect(try await harness.nextIDs(1000).count == 281)
            try await StaleMarkTests.checkNewTasks(harness)
        }
    }

    /// What another program may do to a queue's keys, and how many tasks of the queue are left then.
    @Test(arguments: [
        ([["RPUSH", "dms:queue:low", "t140"], ["LPOP", "dms:queue:low", "150"]], 141),
        ([["DEL", "dms:queue:low"]], 0), ([["DEL", "dms:positions:low"]], 280),
        ([["LTRIM", "dms:queue:low", "0", "149"]], 140), ([["LTRIM", "dms:queue:low", "150", "-1"]], 140),
        ([["LREM", "dms:queue:low", "0", "\0gone"]], 280), ([["LREM", "dms:queue:low", "5", "\0gone"]], 280),
        ([["DEL", "dms:queue:low", "dms:positions:low"]], 0),
        ([["DEL", "dms:queue:low"], ["RPUSH", "dms:queue:low", "t299", "t298"]], 2),
        ([["LPOP", "dms:queue:low", "145"], ["LPUSH", "dms:queue:low", "t0"]], 141),
        ([["RPOPLPUSH", "dms:queue:low", "dms:queue:low"]], 280),
        ([["DEL", "dms:queue:low", "dms:positions:low", "dms:sequence"]], 0),
    ])
    func `whatever else writes the queue, its tasks are counted right, and marks go`(
        _ commands: [[String]], _ left: Int
    ) async throws {
        try await StaleMarkTests.with { harness in
            for command in commands { try await harness.redis.call(command) }
            let overview = try await harness.pool.call { $0.overview() }
            #expect(overview.low == UInt64(left))
            #expect(try await harness.statistics().overview.low == UInt64(left))
            try await harness.enqueue("last")
            #expect(try await harness.statistics().overview.low == UInt64(left + 1))
            let summary = try await harness.get("last")
            #expect(summary.queuePosition?.positionInPriority == UInt64(left + 1))
            let order = try await harness.list("LRANGE", "dms:queue:low", "0", "-1").filter { $0 != "\0gone" }
            #expect(order.count == left + 1)
            #expect(
                try await harness.list("LPOS", "dms:queue:low", "\0gone", "COUNT", "0").count
                    == harness.list("ZRANGE", "dms:marks:low", "0", "-1").count)
            _ = try await harness.next(1000)
            try await StaleMarkTests.checkNewTasks(harness)
        }
    }

    @Test(arguments: [
        [["DEL", "dms:queue:low"]], [["LREM", "dms:queue:low", "0", "\0gone"]],
        [["RPUSH", "dms:queue:low", "t0"], ["DEL", "dms:positions:low"]], [["LTRIM", "dms:queue:low", "0", "149"]],
    ])
    func `as many may be queued as may, whatever marks were left`(_ commands: [[String]]) async throws {
        try await StaleMarkTests.with(queuedMax: 300) { harness in
            for command in commands { try await harness.redis.call(command) }
            let left = try await harness.list("LRANGE", "dms:queue:low", "0", "-1").count { $0 != "\0gone" }
            var taken = 0
            while try await Harness.refusal({ try await harness.enqueue("n\(taken)") }) == nil { taken += 1 }
            #expect(taken == 300 - left)
        }
    }

    @Test func `marks that are not as many as they are said to be are seen when a scheduler starts`() async throws {
        try await StaleMarkTests.with { harness in
            try await harness.redis.call("DEL", "dms:marks:low")
            try await Harness.with(harness.redis) { pool in
                let other = Harness(redis: harness.redis, pool: pool)
                try await eventually { try await other.statistics().overview.low == 280 }
                #expect(try await other.get("t299").queuePosition?.positionInPriority == 280)
                #expect(try await other.nextIDs(1000).count == 280)
                try await StaleMarkTests.checkNewTasks(other)
            }
        }
    }

    @Test func `marks whose key is gone go when they come to the head`() async throws {
        try await StaleMarkTests.with { harness in
            try await harness.redis.call("DEL", "dms:marks:low")
            #expect(try await harness.nextIDs(150).count == 150)
            #expect(try await harness.statistics().overview.low == 130)
            #expect(try await harness.get("t299").queuePosition?.positionInPriority == 130)
        }
    }

    /// The scheduler's calls and another program's at random: counts and places are those of the list.
    @Test(arguments: [UInt64.random(in: 0 ... .max), 3])
    func `counts and places are the list's, whatever is done by whom`(seed: UInt64) async throws {
        try await Harness.with { harness in
            var generator = SplitMix(state: seed)
            var number = 0
            for step in 0..<400 {
                let queue = try await harness.list("LRANGE", "dms:queue:low", "0", "-1")
                let ids = queue.filter { $0 != "\0gone" }
                switch step < 8 ? 0 : generator.next() % 9 {
                case 0, 1:
                    for _ in 0..<30 {
                        number += 1
                        try await harness.enqueue("t\(number)")
                    }
                case 2, 3, 4:
                    for _ in 0..<4 {
                        guard let id = ids.randomElement(using: &generator) else { continue }
                        _ = try? await harness.cancel(id)
                    }
                case 5: _ = try await harness.next(UInt32(generator.next() % 40 + 1))
                case 6:
                    guard let id = ids.randomElement(using: &generator) else { continue }
                    _ = try? await harness.setPriority(id, .high)
                    _ = try? await harness.setPriority(id, .low)
                default:
                    let commands = [
                        ["LPOP", "dms:queue:low", "7"], ["RPOP", "dms:queue:low", "3"],
                        ["LREM", "dms:queue:low", "0", ids.randomElement(using: &generator) ?? "x"],
                        ["LREM", "dms:queue:low", "2", "\0gone"], ["DEL", "dms:positions:low"],
                        ["RPOPLPUSH", "dms:queue:low", "dms:queue:low"], ["LTRIM", "dms:queue:low", "10", "-2"],
                    ]
                    _ = try await harness.redis.call(commands.randomElement(using: &generator) ?? [])
                }
                let after = try await harness.list("LRANGE", "dms:queue:low", "0", "-1").filter { $0 != "\0gone" }
                #expect(
                    try await harness.statistics().overview.low == UInt64(after.count), "seed \(seed), step \(step)")
                guard step % 5 == 0, let place = after.indices.randomElement(using: &generator) else { continue }
                let summary = try await harness.get(after[place])
                #expect(
                    summary.queuePosition?.positionInPriority == UInt64(place + 1), "seed \(seed), step \(step)")
            }
            let rest = try await harness.list("LRANGE", "dms:queue:low", "0", "-1").filter { $0 != "\0gone" }
            #expect(try await harness.nextIDs(1000) == Array(rest.prefix(1000)), "seed \(seed)")
        }
    }
}
