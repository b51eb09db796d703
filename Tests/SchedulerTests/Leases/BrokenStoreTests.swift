import DMSModel
import Logging
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Leases in a Redis that is full, or holds something else under our keys.
struct BrokenStoreTests {
    @Test func `holders go on when Redis has no memory left`() async throws {
        try await Harness.with { harness in
            for id in ["renewed", "returned", "finished", "failed", "acked", "late"] { try await harness.enqueue(id) }
            var held: [String: LeasedTask] = [:]
            for task in try await harness.lease(5, request: "r") { held[task.id] = task }
            let late = try await harness.leaseOne(milliseconds: 1000)
            func reference(_ id: String) throws -> LeaseReference { try #require(held[id]).reference }
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "1")

            // Renewed for another time, which its record has to say.
            let outcome = try await harness.renew(reference("renewed"), milliseconds: 30_000)
            #expect(outcome.map(\.error?.reason) == [nil])
            #expect(try await harness.text("GET", "dms:task:renewed")?.contains(#""lease_ms":30000"#) == true)
            #expect(try await harness.giveBack(reference("returned")).status == .queued)
            #expect(try await harness.finish(reference("finished"), result: #"{"a":1}"#).status == .completed)
            #expect(try await harness.finish(reference("failed"), error: "no").status == .failed)
            #expect(try await harness.ack(reference("acked")).map(\.error?.reason) == [nil])
            #expect(late.id == "late")
            try await eventually { try await harness.get("late").record.status == .queued }
            let again = try await harness.lease(5, request: "r")
            #expect(Set(again.map(\.leaseToken)) == Set(held.values.map(\.leaseToken)))
            #expect(again.count == 5)
            // What cannot be delivered goes back.
            _ = try await harness.pool.call { service in
                let call = service.next(NextRequest(maxTasks: 2), caller: Caller())
                return call.answer.assumeIsolated().map { _ in call.abandon() }.nonisolated()
            }
            try await eventually { try await harness.statistics().overview.total == 2 }

            try await harness.redis.call("CONFIG", "SET", "maxmemory", "0")
            let statistics = try await harness.statistics()
            #expect(statistics.completed == 1)
            #expect(statistics.failed == 1)
            #expect(statistics.requeued == 2)
            #expect(statistics.dispatched == 6)
            #expect(statistics.leased == 1)
            try await harness.expectAgreement()
        }
    }

    @Test(arguments: [
        ("dms:leases", ["ack", "renew", "return", "finish"]), ("dms:stats", ["return", "finish"]),
        ("dms:queue:low", ["return"]), ("dms:positions:low", ["return"]),
    ])
    func `a key of another type fails what needs it before anything is written`(
        key: String, failing: [String]
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d", "e"] { try await harness.enqueue(id) }
            let held = try await harness.lease(4).map(\.reference)
            func run(_ name: String) async throws {
                switch name {
                case "ack": _ = try await harness.ack(held[0])
                case "renew": _ = try await harness.renew(held[1], milliseconds: 30_000)
                case "return": try await harness.giveBack(held[2])
                default: try await harness.finish(held[3], result: "1")
                }
            }
            try await harness.breaking(key) {
                let before = try await harness.contents()
                for name in failing {
                    #expect(try await Harness.refusal { try await run(name) } == .storeUnavailable)
                    #expect(try await harness.contents() == before, "\(name)")
                }
            }
            for name in ["ack", "renew", "return", "finish"] { try await run(name) }
            try await harness.expectAgreement()
            #expect(try await harness.statistics().leased == 1)
        }
    }

    @Test func `an ack that the store refuses is an outcome, and the call answers with a task all the same`()
        async throws
    {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let held = try await harness.leaseOne()
            try await harness.breaking("dms:leases") {
                let answer = try await harness.next(NextRequest(acks: [held.reference]))
                #expect(answer.tasks.map(\.taskID.text) == ["b"])
                #expect(answer.acks.map(\.taskID.text) == ["a"])
                #expect(answer.acks.map(\.error?.reason) == [.storeUnavailable])
            }
            #expect(try await harness.ack(held.reference) == [LeaseOutcome(taskID: TaskID("a"))])
        }
    }

    @Test func `a record of another type is no task to its holder`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let held = try await harness.lease(2).map(\.reference)
            try await harness.redis.call("DEL", "dms:task:a")
            try await harness.redis.call("RPUSH", "dms:task:a", "not yours")
            let before = try await harness.contents()
            #expect(try await harness.ack(held[0]).map(\.error?.reason) == [.taskNotFound])
            #expect(try await harness.renew(held[0], milliseconds: 5000).map(\.error?.reason) == [.taskNotFound])
            #expect(try await Harness.refusal { try await harness.giveBack(held[0]) } == .storeUnavailable)
            #expect(try await Harness.refusal { try await harness.finish(held[0]) } == .storeUnavailable)
            #expect(try await harness.contents() == before)
            // The other of the two is not touched by it.
            #expect(try await harness.ack(held[0], held[1]).map(\.error?.reason) == [.taskNotFound, nil])
        }
    }

    @Test(arguments: ["dms:leases", "dms:stats", "dms:queue:low", "dms:positions:low"])
    func `leases that cannot be ended are said once, and end when they can`(key: String) async throws {
        let log = LogRecorder()
        try await Harness.with(log: log) { harness in
            try await harness.enqueue("a")
            _ = try await harness.leaseOne()
            func said() -> Int { log.lines.count { $0.message.hasPrefix("Leases that have ended cannot") } }
            try await harness.breaking(key) {
                try await harness.endAllLeases(key == "dms:leases" ? "kept" : "dms:leases")
                try await eventually { try await harness.wrongTypes() >= 5 }
                #expect(said() == 1)
                #expect(log.lines.contains { $0.level == .error && $0.metadata.contains("WRONGTYPE") })
            }
            try await eventually { try await harness.get("a").record.status == .queued }
            #expect(said() == 1)
            try await harness.expectAgreement()
        }
    }

    @Test(arguments: ["dms:leases", "dms:stats", "dms:positions:low", "dms:marks:low"])
    func `a repetition counts only where the hand-outs that were asked for with it are done`(key: String) async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let request = NextRequest(leaseMilliseconds: 60_000, submitterID: "w", requestID: "r")
            #expect(try await harness.next(request).tasks.count == 1)
            // A mark at the head, as a cancel in a long queue leaves one: in one step, because the index is mended where it and
            // the list disagree, and a mark at an end goes with that.
            try await harness.redis.call(
                "EVAL",
                """
                redis.call('LPUSH', KEYS[1], '\\0gone')
                redis.call('ZADD', KEYS[2], -5, '\\0-5')
                redis.call('ZADD', KEYS[3], -5, '\\0-5')
                """, "3", "dms:queue:low", "dms:positions:low", "dms:marks:low")
            try await harness.breaking(key) {
                let before = try await harness.contents()
                // Both in one call of the script.
                let refusal = try await Harness.refusal {
                    _ = try await harness.pool.call { service in
                        let answers = [request, NextRequest(leaseMilliseconds: 60_000)].map {
                            service.next($0, caller: Caller()).answer
                        }
                        return EventLoopFuture.whenAllSucceed(answers, on: service.eventLoop)
                    }
                }
                #expect(refusal == .storeUnavailable)
                #expect(try await harness.contents() == before)
            }
            #expect(try await harness.next(request).tasks.map(\.taskID.text) == ["a"])
            let given = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            #expect(try await harness.givings(given) == 2)
            #expect(try await harness.nextIDs() == ["b"])
        }
    }

    @Test(arguments: [["SET", "not yours"], ["SET", ""], ["SET", "\u{1}\u{5}"], ["RPUSH", "not yours"]])
    func `what is no kept answer is none, and costs neither a call nor what goes back`(
        command: [String]
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let request = NextRequest(submitterID: "s", requestID: "r")
            let held = try await harness.pool.call { service in
                let call = service.next(request, caller: Caller())
                let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
                return call.answer.map { _ in bound }
            }
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            try await harness.redis.call("DEL", key)
            try await harness.redis.call([command[0], key, command[1]])
            try await held.eventLoop.submit { held.value.abandon() }.get()
            try await eventually { try await harness.get("a").record.status == .queued }
            #expect(try await harness.next(request).tasks.map(\.taskID.text) == ["a"])
            // Now there is one.
            #expect(try await harness.next(request).tasks.map(\.taskID.text) == ["a"])
            #expect(try await harness.statistics().dispatched == 1)
        }
    }
}

extension Harness {
    /// How often Redis said that a key has another type.
    fileprivate func wrongTypes() async throws -> Int {
        let stats = try await text("INFO", "errorstats") ?? ""
        let line = stats.split(separator: "\r\n").first { $0.hasPrefix("errorstat_WRONGTYPE:count=") }
        return line.flatMap { Int($0.split(separator: "=").last ?? "") } ?? 0
    }
}
