import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Answers that could not be delivered, and keys that are not what they should be.
struct UndeliveredTests {
    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
    func `answers that are given up together go back in the order of hand-out`(_ order: [Int]) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            try await harness.giveUp([0, 1, 2].map { _ in NextRequest() }, order)
            try await eventually { try await harness.statistics().overview.low == 4 }
            #expect(try await harness.next(4).map(\.attempt) == [1, 1, 1, 1])
            #expect(try await harness.statistics().dispatched == 4)
        }
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            try await harness.giveUp([0, 1, 2].map { _ in NextRequest() }, order)
            try await eventually { try await harness.statistics().overview.low == 4 }
            #expect(try await harness.nextIDs(4) == ["a", "b", "c", "d"])
        }
    }

    @Test func `an answer that was given twice goes back when neither came to anybody`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = NextRequest(submitterID: "s", requestID: "r")
            try await harness.giveUp([request, request], [1])
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await harness.get("a").record.status == .dispatched)
            // It is asked for a third time, and given up too; the first still holds it.
            try await harness.giveUp([request], [0])
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await harness.get("a").record.status == .dispatched)
        }
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = NextRequest(submitterID: "s", requestID: "r")
            try await harness.giveUp([request, request], [0, 1])
            try await eventually { try await harness.get("a").record.status == .queued }
            #expect(try await harness.get("a").record.attempt == 0)
            #expect(try await harness.statistics().dispatched == 0)
            #expect(try await harness.next(NextRequest(submitterID: "s", requestID: "r")).tasks.count == 1)
        }
    }

    @Test func `repetitions that are joined in one hand-out count one by one`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = NextRequest(submitterID: "s", requestID: "r")
            _ = try await harness.next(request)
            // Two in one tick, of which one does not reach its client; then another that does not either.
            try await harness.pool.call { service in
                let calls = (0..<2).map { _ in service.next(request, caller: Caller()) }
                let bound = NIOLoopBound(calls, eventLoop: service.eventLoop)
                return EventLoopFuture.andAllSucceed(calls.map { $0.answer.map { _ in } }, on: service.eventLoop)
                    .map { bound.value[0].abandon() }
            }
            try await harness.giveUp([request], [0])
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await harness.get("a").record.status == .dispatched)
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            try await eventually { try await harness.givings(key) == 2 }
        }
    }

    @Test func `an answer that comes back twice, since Redis fell silent, is counted once`() async throws {
        try await Harness.with(configure: { $0.redis.commandTimeout = .seconds(1) }) { harness in
            try await harness.enqueue("a")
            let request = NextRequest(submitterID: "s", requestID: "r")
            let held = try await harness.pool.call { service in
                let call = service.next(request, caller: Caller())
                let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
                return call.answer.map { _ in bound }
            }
            #expect(try await harness.next(request).tasks.count == 1)
            harness.redis.pause()
            try await held.eventLoop.submit { held.value.abandon() }.get()
            // Until nobody waits for the answer any more, which Redis gives all the same.
            try await Task.sleep(for: .milliseconds(1300))
            try await harness.resumeRedis()
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            try await eventually { try await harness.givings(key) == 1 }
            // Longer than until it is tried again.
            try await Task.sleep(for: .milliseconds(1200))
            #expect(try await harness.get("a").record.status == .dispatched)
            #expect(try await harness.givings(key) == 1)
            #expect(try await harness.next(request).tasks.count == 1)
        }
    }

    @Test func `a repetition counts where memory is full, too`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = NextRequest(submitterID: "s", requestID: "r")
            _ = try await harness.next(request)
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "1")
            #expect(try await harness.next(request).tasks.count == 1)
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "0")
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            #expect(try await harness.givings(key) == 2)
        }
    }

    @Test func `tasks go back when Redis is there again`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.pool.call { service in
                let call = service.next(NextRequest(), caller: Caller())
                let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
                return call.answer.map { _ in bound }
            }
            harness.redis.pause()
            try await held.eventLoop.submit { held.value.abandon() }.get()
            try await Task.sleep(for: .milliseconds(300))
            harness.redis.resume()
            try await eventually { try await harness.get("a").record.status == .queued }
        }
    }

    @Test func `who may not publish enqueues, returns and loses leases all the same`() async throws {
        try await Harness.with { harness in
            try await harness.redis.call("ACL", "SETUSER", "default", "resetchannels")
            try await harness.enqueue("a")
            let held = try await harness.lease(milliseconds: 30_000)
            #expect(held.map(\.id) == ["a"])
            try await harness.giveBack(held[0].reference)
            _ = try await harness.lease(milliseconds: 1000)
            try await eventually { try await harness.get("a").record.status == .queued }
        }
    }

    @Test func `a record of another type costs its own lease only`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            #expect(try await harness.lease(2, milliseconds: 1000).count == 2)
            try await harness.redis.call("DEL", "dms:task:a")
            try await harness.redis.call("RPUSH", "dms:task:a", "not yours")
            try await eventually { try await harness.get("b").record.status == .queued }
        }
    }

    @Test func `a counter that has no room is refused before anything is written`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            try await harness.redis.call("HSET", "dms:stats", "dispatched", "9223372036854775807")
            #expect(try await Harness.refusal { _ = try await harness.next() } != nil)
            #expect(try await harness.list("LRANGE", "dms:queue:low", "0", "-1") == ["a"])
            #expect(try await harness.get("a").record.status == .queued)
        }
    }

    @Test func `renewed leases that end together keep the order of hand-out`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            let held = try await harness.lease(4, milliseconds: 30_000)
            let mixed = [held[2], held[0], held[3], held[1]].map(\.reference)
            let outcomes = try await harness.pool.call {
                $0.renew(LeaseRenewal(leases: mixed, leaseMilliseconds: 1000), caller: Caller())
            }
            #expect(outcomes.map(\.taskID.text) == ["c", "a", "d", "b"])
            try await eventually { try await harness.statistics().overview.low == 4 }
            #expect(try await harness.nextIDs(4) == ["a", "b", "c", "d"])
        }
    }
}

extension Harness {
    /// Makes calls one after the other on one loop, and then gives some of them up, in that order.
    fileprivate func giveUp(_ requests: [NextRequest], _ order: [Int]) async throws {
        try await pool.call { service in
            let calls = NIOLoopBoundBox([NextCall](), eventLoop: service.eventLoop)
            var last = service.eventLoop.makeSucceededVoidFuture()
            let bound = NIOLoopBound(service, eventLoop: service.eventLoop)
            for request in requests {
                last = last.flatMap {
                    let call = bound.value.next(request, caller: Caller())
                    calls.value.append(call)
                    return call.answer.map { _ in }
                }
            }
            return last.map { for index in order { calls.value[index].abandon() } }
        }
    }
}
