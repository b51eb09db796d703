import DMSModel
import DMSWire
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

/// Clients that go away in the middle of a call, or right behind it.
@Suite(.timeLimit(.minutes(2))) struct VanishingTests {
    private let wait = NextRequest(waitMilliseconds: 60_000)

    /// How a client goes away.
    enum Vanishing: CaseIterable {
        case halfClose, close, reset
    }

    @Test(arguments: Vanishing.allCases, [0, 60_000] as [UInt32])
    func `a client that vanishes at any byte of a call is handed nothing`(
        how: Vanishing, waitMilliseconds: UInt32
    ) async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let request = NextRequest(waitMilliseconds: waitMilliseconds, submitterID: "w", requestID: "r")
            let bytes = Bytes.request(Methods.Submitter.next, request, on: 1)
            for count in 0..<bytes.readableBytes {
                let client = try await scheduler.server.client()
                await client.send(try #require(bytes.getSlice(at: 0, length: count)))
                switch how {
                case .halfClose:
                    try await client.finishSending()
                    #expect(try await client.frame() == nil)
                    await client.close()
                case .close: await client.close()
                case .reset: try await client.reset()
                }
            }
            // What was sent before this call was looked at before it, or never will be.
            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
            #expect(statistics.dispatched == 0)
            #expect(statistics.overview.low == 1)
            #expect(statistics.waitingSubmitters == 0)
            let answer = try await caller.call(Methods.Submitter.next, request)
            #expect(answer.tasks.map(\.taskID.text) == ["t"])
            #expect(answer.tasks.map(\.attempt) == [1])
            await caller.client.close()
        }
    }

    @Test(arguments: Vanishing.allCases)
    func `a client that vanishes behind a whole call leaves no task behind`(how: Vanishing) async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            for _ in 0..<40 {
                let client = try await scheduler.server.client()
                await client.send(Bytes.request(Methods.Submitter.next, wait, on: 1))
                switch how {
                case .halfClose:
                    try await client.finishSending()
                    #expect(try await client.message(NextAnswer.self, on: 1).tasks == [])
                    #expect(try await client.frame() == nil)
                    await client.close()
                case .close: await client.close()
                case .reset: try await client.reset()
                }
            }
            // On the same loop: calls that are still on their way begin to wait before this one, or never will.
            let last = try await scheduler.server.client()
            await last.send(Bytes.request(Methods.Submitter.next, wait, on: 1))
            try await eventually { scheduler.pool.waitingCalls == 1 }
            await last.close()
            try await eventually { scheduler.pool.waitingCalls == 0 }
            try await caller.enqueue("t")
            #expect(try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 0)
            #expect(try await caller.call(Methods.Submitter.next, NextRequest()).tasks.map(\.attempt) == [1])
            await caller.client.close()
        }
    }

    @Test(arguments: [1, 2]) func `the tasks of connections that fall together stand as before`(
        threads: Int
    ) async throws {
        try await SchedulerServer.with(threads: threads) { scheduler in
            let caller = try await scheduler.caller()
            let ids = (0..<10).map { "t\($0)" }
            for id in ids { try await caller.enqueue(id) }
            scheduler.redis.pause()
            for _ in 0..<9 {
                let client = try await scheduler.server.client()
                await client.send(Bytes.request(Methods.Submitter.next, NextRequest(), on: 1))
                await client.close()
            }
            scheduler.redis.resume()
            try await eventually {
                let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
                let first = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t0")))
                // It was taken, and is back; some may be more than once.
                return first.record.updatedAt > first.record.enqueuedAt && statistics.dispatched == 0
                    && statistics.overview.low == 10
            }
            try await eventually {
                try await scheduler.redis.call("LRANGE", "dms:queue:low", "0", "-1").array?.compactMap(\.string) == ids
            }
            #expect(try await caller.next(10) == ids)
            await caller.client.close()
        }
    }
}
