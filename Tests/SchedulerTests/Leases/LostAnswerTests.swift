import DMSModel
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// Calls that are given up while nobody knows what they took: Redis did the hand-out, and its answer was lost.
struct LostAnswerTests {
    private static let request = NextRequest(submitterID: "s", requestID: "r")
    /// How long Redis's answers are waited for here.
    private static let patience = Duration.seconds(1)

    @Test(arguments: [true, false])
    func `what a lost answer held goes back when its call is given up`(isGivenUpFirst: Bool) async throws {
        try await LostAnswerTests.with { harness in
            try await harness.enqueue("a")
            harness.redis.pause()
            let call = try await harness.begin(LostAnswerTests.request)
            if isGivenUpFirst { try await call.eventLoop.submit { call.value.abandon() }.get() }
            let error = try await harness.failure(of: call)
            #expect(error?.reason == (isGivenUpFirst ? .cancelled : .outcomeUnknown))
            // Until the call itself knows: nobody waits for the answer any more, which Redis gives all the same.
            try await Task.sleep(for: LostAnswerTests.patience + .milliseconds(300))
            try await call.eventLoop.submit { call.value.abandon() }.get()
            try await harness.resumeRedis()
            try await harness.expectUntouched("a")
        }
    }

    @Test func `what a parked call got in a lost answer goes back when it is given up`() async throws {
        try await LostAnswerTests.with { harness in
            try await harness.enqueue("a")
            try await harness.redis.call("RENAME", "dms:queue:low", "away")
            var request = LostAnswerTests.request
            request.waitMilliseconds = 60_000
            let call = try await harness.begin(request)
            try await eventually { try await harness.parked() == 1 }
            try await harness.redis.call("RENAME", "away", "dms:queue:low")
            harness.redis.pause()
            try await harness.serveParked()
            try await Task.sleep(for: LostAnswerTests.patience + .milliseconds(500))
            try await call.eventLoop.submit { call.value.abandon() }.get()
            try await harness.resumeRedis()
            try await harness.expectUntouched("a")
        }
    }

    @Test func `a parked call whose wait ends behind a lost answer is not told that it took nothing`() async throws {
        try await LostAnswerTests.with { harness in
            try await harness.enqueue("a")
            try await harness.redis.call("RENAME", "dms:queue:low", "away")
            var request = LostAnswerTests.request
            request.waitMilliseconds = 4000
            let call = try await harness.begin(request)
            try await eventually { try await harness.parked() == 1 }
            try await harness.redis.call("RENAME", "away", "dms:queue:low")
            harness.redis.pause()
            try await harness.serveParked()
            #expect(try await harness.failure(of: call)?.reason == .outcomeUnknown)
            try await harness.resumeRedis()
            // It asks again, as it is told to.
            try await eventually {
                guard let answer = try? await harness.next(LostAnswerTests.request) else { return false }
                return answer.tasks.map(\.taskID.text) == ["a"]
            }
            #expect(try await harness.get("a").record.attempt == 1)
        }
    }

    @Test func `a call that was given up takes nothing where it comes late`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let kept = KeptAnswer(key: "dms:answer:1:s:r", requestID: "r")
            try await harness.giveUpLost(kept)
            #expect(try await harness.handOut(kept).tasks.isEmpty)
            #expect(try await harness.get("a").record.status == .queued)
            // Another call of that name is not meant.
            let other = KeptAnswer(key: kept.key, requestID: "r")
            #expect(try await harness.handOut(other).tasks.count == 1)
            #expect(try await harness.handOut(kept).tasks.isEmpty)
            #expect(try await harness.handOut(other).tasks.count == 1)
        }
    }

    @Test func `what another call got meanwhile stays with it`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let lost = KeptAnswer(key: "dms:answer:1:s:r", requestID: "r")
            let other = KeptAnswer(key: lost.key, requestID: "r")
            _ = try await harness.handOut(lost)
            let answer = try await harness.handOut(other)
            #expect(answer.isRepeated)
            for _ in 0..<2 { try await harness.giveUpLost(lost) }
            #expect(try await harness.get("a").record.status == .dispatched)
            // Until that cannot be delivered either.
            try await harness.putBack(
                PutBackScript.Undelivered(handOut: answer, kept: other))
            try await harness.expectUntouched("a")
            // And whoever asks for it by that name from now on is given it anew.
            let again = try await harness.handOut(KeptAnswer(key: lost.key, requestID: "r"))
            #expect(again.tasks.map(\.record.attempt) == [1])
            #expect(!again.isRepeated)
        }
    }

    @Test func `a repetition that a failover made undone takes nothing from who has the answer`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let first = KeptAnswer(key: "dms:answer:1:s:r", requestID: "r")
            let answer = try await harness.handOut(first)
            // The master that gave it again is gone, and the one that took over does not know that it was given twice.
            let repeated = KeptAnswer(key: first.key, requestID: "r")
            for _ in 0..<2 {
                try await harness.putBack(
                    PutBackScript.Undelivered(handOut: answer, kept: repeated))
            }
            #expect(try await harness.get("a").record.status == .dispatched)
            #expect(try await harness.givings(first.key) == 1)
        }
    }

    @Test func `an answer that was given to very many calls stays small, and is nobody's to take back`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let calls = (0..<40).map { _ in KeptAnswer(key: "dms:answer:1:s:r", requestID: "r") }
            for call in calls { #expect(try await harness.handOut(call).tasks.count == 1) }
            let length = try await harness.redis.call("STRLEN", calls[0].key).integer ?? 0
            #expect(length < 1000)
            for call in calls { try await harness.giveUpLost(call) }
            #expect(try await harness.get("a").record.status == .dispatched)
        }
    }

    /// A scheduler that waits for Redis for a moment only.
    private static func with(_ body: (Harness) async throws -> Void) async throws {
        try await Harness.with(configure: { $0.redis.commandTimeout = .seconds(1) }, body)
    }
}

extension Harness {
    /// A call under way on some event loop.
    fileprivate func begin(_ request: NextRequest) async throws -> NIOLoopBound<NextCall> {
        try await pool.call { service in
            let call = service.next(request, caller: Caller())
            return service.eventLoop.makeSucceededFuture(NIOLoopBound(call, eventLoop: service.eventLoop))
        }
    }

    fileprivate func failure(of call: NIOLoopBound<NextCall>) async throws -> SchedulerError? {
        do {
            _ = try await call.eventLoop.flatSubmit { call.value.answer }.get()
            return nil
        } catch {
            return error as? SchedulerError
        }
    }

    fileprivate func handOut(_ kept: KeptAnswer) async throws -> HandOut {
        try await pool.call { service in
            let promise = service.eventLoop.makePromise(of: HandOut.self)
            let caller = HandOutScript.Caller(wanted: 1, lease: nil, submitterID: "s", kept: kept)
            service.dispatcher.handOut(to: caller) { promise.completeWith($0.mapError { $0 as any Error }) }
            return promise.futureResult
        }
    }

    /// The answer to that call was lost, and nobody asks for it again.
    fileprivate func giveUpLost(_ kept: KeptAnswer) async throws {
        try await putBack(PutBackScript.Undelivered(handOut: HandOut(), kept: kept))
    }

    fileprivate func putBack(_ answer: PutBackScript.Undelivered) async throws {
        _ = try await pool.call { $0.store.putBack([answer], at: SystemClock().now()) }
    }

    /// Has the calls that wait served, as when a task comes.
    fileprivate func serveParked() async throws {
        try await pool.call { service in
            service.requestWake(1)
            return service.eventLoop.makeSucceededVoidFuture()
        }
    }

    fileprivate func parked() async throws -> Int {
        try await pool.call { $0.eventLoop.makeSucceededFuture($0.lot.count) }
    }

    /// The only task is queued as if nobody had ever taken it.
    fileprivate func expectUntouched(_ id: String) async throws {
        // It may be on its way back.
        try await eventually { try await get(id).record.status == .queued }
        #expect(try await get(id).record.attempt == 0)
        #expect(try await statistics().dispatched == 0)
        #expect(try await list("LRANGE", "dms:queue:low", "0", "-1") == [id])
    }
}
