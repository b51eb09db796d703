import DMSModel
import DMSWire
import NIOCore
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

/// `Next` with `wait_ms` over the binary door: parked calls, and how they are given up.
struct WaitingTests {
    private let wait = NextRequest(waitMilliseconds: 60_000)

    private func park(_ client: RawClient, on streamID: UInt32, _ scheduler: SchedulerServer) async throws {
        let before = scheduler.pool.waitingCalls
        await client.send(Bytes.request(Methods.Submitter.next, wait, on: streamID))
        try await eventually { scheduler.pool.waitingCalls == before + 1 }
    }

    private func waiting(_ count: Int, _ scheduler: SchedulerServer) async throws {
        try await eventually { scheduler.pool.waitingCalls == count }
    }

    private func expectNoneTaken(_ scheduler: SchedulerServer) async throws {
        let caller = try await scheduler.caller()
        try await caller.enqueue("t")
        let answer = try await caller.call(Methods.Submitter.next, NextRequest())
        #expect(answer.tasks.map(\.taskID.text) == ["t"])
        #expect(answer.tasks.map(\.attempt) == [1])
        await caller.client.close()
    }

    @Test func `a parked call is answered when a task comes`() async throws {
        try await SchedulerServer.with(threads: 2) { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 1, scheduler)
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let answer = try await client.message(NextAnswer.self, on: 1)
            #expect(answer.tasks.map(\.taskID.text) == ["t"])
            await client.close()
            await caller.client.close()
        }
    }

    @Test func `parked calls of many connections are served first come, first served`() async throws {
        try await SchedulerServer.with(threads: 2) { scheduler in
            var clients: [RawClient] = []
            for _ in 0..<12 {
                let client = try await scheduler.server.client()
                try await park(client, on: 1, scheduler)
                clients.append(client)
            }
            let caller = try await scheduler.caller()
            for number in 0..<12 { try await caller.enqueue("t\(number)") }
            for (number, client) in clients.enumerated() {
                #expect(try await client.message(NextAnswer.self, on: 1).tasks.map(\.taskID.text) == ["t\(number)"])
                await client.close()
            }
            await caller.client.close()
        }
    }

    @Test func `a cancel frame ends a parked call with CANCELLED, and it takes no task`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 1, scheduler)
            await client.send(Bytes.frame(.cancel, on: 1))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .cancelled)
            #expect(error.knownReason == .cancelled)
            try await waiting(0, scheduler)
            try await expectNoneTaken(scheduler)
            // A cancel of what is answered, and of what never was, changes nothing.
            await client.send(Bytes.frame(.cancel, on: 1))
            await client.send(Bytes.frame(.cancel, on: 77))
            await client.send(Bytes.frame(.cancel, on: 0))
            _ = try await client.call(Methods.Tasks.overview, OverviewRequest(), on: 3)
            await client.close()
        }
    }

    @Test func `a deadline ends a parked call with DEADLINE_EXCEEDED, and it takes no task`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            await client.send(
                Bytes.request(Methods.Submitter.next, wait, on: 1, timeoutNanoseconds: 20_000_000))
            #expect(try await client.error(on: 1).statusCode == .deadlineExceeded)
            try await waiting(0, scheduler)
            try await expectNoneTaken(scheduler)
            await client.close()
        }
    }

    @Test func `a parked call of a connection that closes takes no task`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 1, scheduler)
            await client.close()
            try await waiting(0, scheduler)
            try await expectNoneTaken(scheduler)
        }
    }

    @Test func `a client that closes its sending side gets its parked calls answered at once`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 1, scheduler)
            try await client.finishSending()
            #expect(try await client.message(NextAnswer.self, on: 1).tasks == [])
            #expect(try await client.frame() == nil)
            // Also where the end comes with the call.
            let other = try await scheduler.server.client()
            await other.send(Bytes.request(Methods.Submitter.next, wait, on: 1))
            try await other.finishSending()
            #expect(try await other.message(NextAnswer.self, on: 1).tasks == [])
            #expect(try await other.frame() == nil)
            try await expectNoneTaken(scheduler)
        }
    }

    @Test func `parked calls count apart, and one too many is refused`() async throws {
        var limits = ConnectionLimits.patient
        limits.parkedStreamsMax = 8
        limits.openStreamsMax = 2
        try await SchedulerServer.with(limits: limits) { scheduler in
            let client = try await scheduler.server.client()
            for number in 0..<8 { try await park(client, on: UInt32(2 * number + 1), scheduler) }
            await client.send(Bytes.request(Methods.Submitter.next, wait, on: 17))
            let error = try await client.error(on: 17)
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitWaiters)
            // What stands behind them is read all the same.
            _ = try await client.call(Methods.Tasks.overview, OverviewRequest(), on: 19)
            await client.send(Bytes.frame(.cancel, on: 3))
            #expect(try await client.error(on: 3).statusCode == .cancelled)
            try await park(client, on: 21, scheduler)
            await client.close()
            try await waiting(0, scheduler)
        }
    }

    @Test func `4,096 calls may wait on a connection, and what stands behind them is read`() async throws {
        let most = ConnectionLimits().parkedStreamsMax
        try #require(most == 4096)
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let held = try await caller.call(Methods.Submitter.next, NextRequest(leaseMilliseconds: 60_000))
            let lease = try #require(held.leasedTasks.first)
            let client = try await scheduler.server.client()
            var calls = ByteBuffer()
            for number in 0..<most {
                calls.writeImmutableBuffer(Bytes.request(Methods.Submitter.next, wait, on: UInt32(2 * number + 1)))
            }
            await client.send(calls)
            try await waiting(most, scheduler)
            let next = UInt32(2 * most + 1)
            await client.send(Bytes.request(Methods.Submitter.next, wait, on: next))
            let error = try await client.error(on: next)
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitWaiters)
            #expect(error.retryAfter != nil)
            // One that does not wait is none of them.
            #expect(try await client.call(Methods.Submitter.next, NextRequest(), on: next + 2).tasks == [])
            await client.send(Bytes.frame(.ping, on: 0, ByteBuffer(string: "there?")))
            let pong = try #require(try await client.frame())
            #expect(pong.header.type == .pong)
            #expect(pong.data == ByteBuffer(string: "there?"))
            let ack = AckRequest(leases: [LeaseReference(taskID: TaskID("t"), token: lease.leaseToken)])
            let outcomes = try await client.call(Methods.Submitter.ack, ack, on: next + 4).outcomes
            #expect(outcomes == [LeaseOutcome(taskID: TaskID("t"))])
            await client.send(Bytes.frame(.cancel, on: 2001))
            #expect(try await client.error(on: 2001).statusCode == .cancelled)
            // Its place is free, and those who wait are served in their order.
            try await park(client, on: next + 6, scheduler)
            try await caller.enqueue("u")
            #expect(try await client.message(NextAnswer.self, on: 1).tasks.map(\.taskID.text) == ["u"])
            await client.close()
            try await waiting(0, scheduler)
            await caller.client.close()
        }
    }

    @Test func `a server that shuts down answers parked calls with DRAINING at once`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 1, scheduler)
            await scheduler.server.shutDown()
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .unavailable)
            #expect(error.knownReason == .draining)
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `a connection that breaks the rules gets its parked calls answered, and closes`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await park(client, on: 3, scheduler)
            await client.send(Bytes.request(Methods.Tasks.overview, OverviewRequest(), on: 2))
            #expect(try await client.error(on: 2).statusCode == .invalidArgument)
            #expect(try await client.message(NextAnswer.self, on: 3).tasks == [])
            #expect(try await client.frame() == nil)
            try await expectNoneTaken(scheduler)
        }
    }

    @Test func `a thousand calls in flight on one connection are all answered`() async throws {
        try await SchedulerServer.with(threads: 2) { scheduler in
            let client = try await scheduler.server.client()
            var calls = ByteBuffer()
            for number in 0..<1000 {
                var request = wait
                request.leaseMilliseconds = 60_000
                calls.writeImmutableBuffer(
                    Bytes.request(Methods.Submitter.next, request, on: UInt32(2 * number + 1)))
            }
            await client.send(calls)
            try await waiting(1000, scheduler)
            let caller = try await scheduler.caller()
            for number in 0..<1000 { try await caller.enqueue("t\(number)") }
            var ids: Set<String> = []
            for _ in 0..<1000 {
                let answer = try await client.answer()
                let tasks = try NextAnswer.decode(answer.envelope.payload).tasks
                #expect(tasks.count == 1)
                ids.formUnion(tasks.map(\.taskID.text))
            }
            #expect(ids.count == 1000)
            await client.close()
            await caller.client.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `answers that a connection does not take go back in the order of hand-out`() async throws {
        try await SchedulerServer.with(threads: 2) { scheduler in
            let caller = try await scheduler.caller()
            let ids = (0..<40).map { "t\($0)" }
            for id in ids {
                try await caller.enqueue(id, parameters: "{\"x\":\"\(String(repeating: "x", count: 900_000))\"}")
            }
            let client = try await scheduler.server.client()
            try await client.stopReading()
            // Few enough to be read at once: what is read later waits until there is room for answers.
            var calls = ByteBuffer()
            for number in 0..<40 {
                var call = Bytes.request(Methods.Submitter.next, NextRequest(), on: UInt32(2 * number + 1))
                calls.writeBuffer(&call)
            }
            await client.send(calls)
            try await eventually { try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 40 }
            await client.close()
            // What the kernel had taken may have been read; the rest comes back, a few at a time since they are large.
            var (queued, since) = (UInt64(0), ContinuousClock.now)
            try await eventually {
                let now = try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).overview.low
                if now != queued { (queued, since) = (now, .now) }
                return queued > 0 && ContinuousClock.now - since > .seconds(2)
            }
            var back: [String] = []
            while let id = try await caller.next(1).first { back.append(id) }
            #expect(back == Array(ids.suffix(back.count)))
            await caller.client.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a client that does not read takes no more tasks, and gets them when it reads again`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await client.stopReading()
            for number in 0..<200 {
                await client.send(Bytes.request(Methods.Submitter.next, wait, on: UInt32(2 * number + 1)))
            }
            try await waiting(200, scheduler)
            let caller = try await scheduler.caller()
            for number in 0..<100 {
                try await caller.enqueue(
                    "t\(number)", parameters: "{\"x\":\"\(String(repeating: "x", count: 300_000))\"}")
            }
            // Its calls stand aside once it has what it does not read.
            try await eventually { scheduler.pool.waitingCalls == 0 }
            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
            #expect(statistics.overview.low > 50)
            // Others are served meanwhile.
            #expect(try await caller.next(1).count == 1)
            try await client.startReading()
            var answered = 0
            while answered < 99 {
                answered += try await client.answer().envelope.status == nil ? 1 : 0
            }
            #expect(try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).overview.low == 0)
            await client.close()
            await caller.client.close()
        }
    }
}
