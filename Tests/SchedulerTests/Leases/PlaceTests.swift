import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Tasks that come back one after the other go to their places, however many came back before and in which order.
@Suite(.timeLimit(.minutes(2))) struct PlaceTests {
    private func enqueue(_ count: Int, _ harness: Harness, _ priority: Priority = .low) async throws -> [String] {
        let ids = (0..<count).map { "\(priority)\($0)" }
        for id in ids { try await harness.enqueue(id, priority) }
        return ids
    }

    private func queued(_ harness: Harness, _ priority: Priority = .low) async throws -> [String] {
        try await harness.redis.lines("LRANGE", "dms:queue:\(priority)", "0", "-1")
    }

    @Test func `single leases that end one after the other stand as before`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(14, harness)
            for _ in 0..<12 { _ = try await harness.leaseOne() }
            for (number, id) in ids.prefix(12).enumerated() {
                try await harness.redis.call("ZADD", "dms:leases", "XX", "1", id)
                try await eventually { try await harness.statistics().overview.low == number + 3 }
            }
            #expect(try await queued(harness) == ids)
            try await harness.expectAgreement()
        }
    }

    @Test(arguments: [1, 7]) func `returns in any order stand as before`(perCall: UInt32) async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(30, harness)
            var held: [LeasedTask] = []
            while held.count < 28 { held += try await harness.lease(perCall) }
            for task in held.shuffled() {
                try await harness.giveBack(task.reference)
                let now = try await queued(harness)
                #expect(now == ids.filter(now.contains))
            }
            #expect(try await queued(harness) == ids)
            try await harness.expectAgreement()
        }
    }

    @Test func `who comes back again still has its old place`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(6, harness)
            let first = try await harness.lease(4)
            for task in first { try await harness.giveBack(task.reference) }
            // Taken again, with and without a lease, and behind them one that never was.
            let again = [try await harness.leaseOne(), try await harness.leaseOne()]
            try await harness.abandon([NextRequest(maxTasks: 3)])
            try await eventually { try await harness.statistics().overview.low == 4 }
            #expect(try await queued(harness) == Array(ids[2...]))
            let last = try await harness.lease(4)
            try await harness.giveBack(again[1].reference)
            for task in last { try await harness.giveBack(task.reference) }
            try await harness.giveBack(again[0].reference)
            #expect(try await queued(harness) == ids)
            try await harness.expectAgreement()
        }
    }

    @Test func `undelivered answers go back to their places, whichever loop and scheduler had them`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(10, harness)
            try await Harness.with(harness.redis) { other in
                var calls: [NIOLoopBound<NextCall>] = []
                for number in 0..<9 {
                    let pool = number.isMultiple(of: 3) ? other : harness.pool
                    calls.append(try await Harness.answered(NextRequest(), pool))
                }
                // Those that were taken first go back first, so that the head is not the place of the others.
                for (number, part) in [calls[..<5], calls[5...]].enumerated() {
                    for call in part { try await call.eventLoop.submit { call.value.abandon() }.get() }
                    try await eventually { try await harness.statistics().overview.low == (number == 0 ? 6 : 10) }
                }
            }
            #expect(try await queued(harness) == ids)
            #expect(try await harness.statistics().dispatched == 0)
            try await harness.expectAgreement()
        }
    }

    @Test func `a lost answer's tasks go back to their places, too`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(8, harness)
            let kept = try await harness.next(NextRequest(maxTasks: 3, submitterID: "s", requestID: "r"))
            #expect(kept.tasks.count == 3)
            let held = try await harness.lease(3)
            for task in held { try await harness.giveBack(task.reference) }
            // Asked for again under the same name, and given up: the first one forgets it then as well.
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            let forget = """
                local answer = cmsgpack.unpack(redis.call('GET', KEYS[1]))
                answer.given = {}
                redis.call('SET', KEYS[1], cmsgpack.pack(answer))
                """
            try await harness.redis.call("EVAL", forget, "1", key)
            try await harness.abandon([NextRequest(submitterID: "s", requestID: "r")])
            try await eventually { try await harness.statistics().overview.low == 8 }
            #expect(try await queued(harness) == ids)
        }
    }

    @Test(arguments: [3, 400]) func `many that end together find their places among many`(standing: Int) async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(1000, harness)
            let first = try await harness.lease(UInt32(standing))
            let rest = try await harness.lease(900 - UInt32(standing))
            let between = rest.enumerated().filter { $0.offset.isMultiple(of: 7) }.map(\.element)
            for task in first + between { try await harness.giveBack(task.reference) }
            try await harness.endAllLeases()
            try await eventually { try await harness.statistics().overview.low == 1000 }
            #expect(try await queued(harness) == ids)
            #expect(try await harness.redis.lines("ZRANGE", "dms:positions:low", "0", "-1") == ids)
        }
    }

    @Test func `a place counts from a move to another queue, and in that queue only`() async throws {
        try await Harness.with { harness in
            let low = try await enqueue(3, harness)
            let high = try await enqueue(2, harness, .high)
            var held = try await harness.lease(5)
            #expect(held.map(\.id) == high + low)
            for task in held.reversed() { try await harness.giveBack(task.reference) }
            #expect(try await queued(harness) == low)
            #expect(try await queued(harness, .high) == high)
            // It came first, and stands last where it was moved to.
            _ = try await harness.setPriority(low[0], .high)
            held = try await harness.lease(4)
            for task in held.shuffled() { try await harness.giveBack(task.reference) }
            #expect(try await queued(harness, .high) == high + [low[0]])
            #expect(try await queued(harness) == Array(low[1...]))
            try await harness.expectAgreement()
        }
    }

    @Test func `places stay known where another program writes the lists`() async throws {
        try await Harness.with { harness in
            _ = try await enqueue(2, harness)
            // As the Python service does it, and the index does not learn of it.
            for id in ["p0", "p1", "p2"] {
                try await harness.redis.call(
                    "SET", "dms:task:\(id)",
                    #"{"task_id":"\#(id)","service":"copy","user_id":"ada","parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12"}"#
                )
                try await harness.redis.call("RPUSH", "dms:queue:low", id)
            }
            var held: [LeasedTask] = []
            for _ in 0..<4 { held.append(try await harness.leaseOne()) }
            #expect(held.map(\.id) == ["low0", "low1", "p0", "p1"])
            for number in [2, 0, 3, 1] { try await harness.giveBack(held[number].reference) }
            #expect(try await queued(harness) == ["low0", "low1", "p0", "p1", "p2"])
            // It takes the head away, and then more comes back.
            let again = [try await harness.leaseOne(), try await harness.leaseOne()]
            #expect(try await harness.redis.call("LPOP", "dms:queue:low").string == "p0")
            for task in again { try await harness.giveBack(task.reference) }
            #expect(try await queued(harness) == ["low0", "low1", "p1", "p2"])
        }
    }

    @Test func `places are found behind tasks that were canceled out of the middle`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(500, harness)
            let held = try await harness.lease(500)
            // All but one of them come back; a few are canceled far from both ends, which leaves their entries.
            for task in held where task.id != ids[300] { try await harness.giveBack(task.reference) }
            for number in [150, 151, 299] { _ = try await harness.cancel(ids[number]) }
            #expect(try await harness.redis.call("ZCARD", "dms:marks:low").integer == 3)
            try await harness.giveBack(held[300].reference)
            let left = ids.filter { ![ids[150], ids[151], ids[299]].contains($0) }
            #expect(try await queued(harness).filter { $0 != "\0gone" } == left)
            #expect(try await harness.get(ids[300]).queuePosition?.positionInPriority == 298)
            #expect(try await harness.lease(1000).map(\.id) == left)
        }
    }

    @Test func `a task under an earlier version's token goes to the head`() async throws {
        try await Harness.with { harness in
            let ids = try await enqueue(4, harness)
            let held = try await harness.lease(3)
            for task in held.prefix(2) { try await harness.giveBack(task.reference) }
            let old = LeaseReference(taskID: held[2].record.taskID, token: "ABCDEFGHIJKLMNOPQRSTUV")
            let record = try #require(try await harness.text("GET", "dms:task:\(ids[2])"))
            try await harness.redis.call(
                "SET", "dms:task:\(ids[2])", record.replacing(held[2].leaseToken, with: old.token))
            #expect(try await harness.renew(old).first?.error == nil)
            try await harness.giveBack(old)
            #expect(try await queued(harness) == [ids[2], ids[0], ids[1], ids[3]])
            try await harness.expectAgreement()
        }
    }
}

extension Harness {
    /// A call that was answered, on some event loop of the pool.
    fileprivate static func answered(
        _ request: NextRequest, _ pool: SchedulerPool
    ) async throws -> NIOLoopBound<NextCall> {
        try await pool.call { service in
            let call = service.next(request, caller: Caller())
            let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
            return call.answer.map { _ in bound }
        }
    }

    /// Makes calls whose answers come to nobody.
    fileprivate func abandon(_ requests: [NextRequest]) async throws {
        for request in requests {
            let call = try await Harness.answered(request, pool)
            try await call.eventLoop.submit { call.value.abandon() }.get()
        }
    }
}
