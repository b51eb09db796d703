import DMSModel
import DMSWire
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

/// Calls that nobody waits for any more: canceled, past their deadline, or of a client that is gone.
@Suite(.timeLimit(.minutes(2))) struct GivenUpCallTests {
    /// What ends a call that is under way.
    enum Ending: CaseIterable {
        case cancel, deadline, reset, close, halfCloseInFrame, dataFrame
    }

    @Test func `a call in flight that is canceled gets CANCELLED, and its late answer is dropped`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await client.send(Bytes.frame(.cancel, on: 1))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .cancelled)
            #expect(error.knownReason == .cancelled)
            methods.answer()
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    /// Leaves a `Next` on its way to a Redis that does not answer, ends it, and lets Redis answer.
    private func end(
        _ ending: Ending, _ request: NextRequest, _ scheduler: SchedulerServer
    ) async throws {
        let client = try await scheduler.server.client()
        scheduler.redis.pause()
        defer { scheduler.redis.resume() }
        await client.send(
            Bytes.request(
                Methods.Submitter.next, request, on: 1, timeoutNanoseconds: ending == .deadline ? 50_000_000 : 0))
        await client.send(Bytes.frame(.ping, on: 0))
        // The pong may come behind the deadline's answer where the machine is busy.
        switch ending {
        case .deadline:
            let frames = [try await client.frame(), try await client.frame()].compactMap(\.self)
            let answer = try #require(frames.first { $0.header.type == .response })
            #expect(try ResponseEnvelope.decode(answer.data).error?.knownReason == .deadlineExceeded)
        case .cancel:
            _ = try await client.frame()
            await client.send(Bytes.frame(.cancel, on: 1))
            #expect(try await client.error(on: 1).knownReason == .cancelled)
        case .reset:
            _ = try await client.frame()
            try await client.reset()
        // As a process that ends does: its kernel says that nothing more comes, which is all that the server sees.
        case .close: _ = try await client.frame()
        case .halfCloseInFrame:
            _ = try await client.frame()
            await client.send([0, 0])
            try await client.finishSending()
            #expect(try await client.frame() == nil)
        case .dataFrame:
            _ = try await client.frame()
            await client.send(Bytes.frame(.data, on: 1))
            #expect(try await client.error(on: 1).knownReason == .malformed)
        }
        await client.close()
        // A server that is at it before the end of the connection has seen that too.
        let neighbour = try await scheduler.server.client()
        await neighbour.send(Bytes.frame(.ping, on: 0))
        _ = try await neighbour.frame()
        await neighbour.close()
    }

    @Test(arguments: Ending.allCases, [0, 60_000] as [UInt32])
    func `a task that was taken for a call nobody waits for goes back as if it had never been taken`(
        ending: Ending, lease: UInt32
    ) async throws {
        // Longer than Redis is kept from answering, however busy the machine is.
        try await SchedulerServer.with {
            $0.redis.commandTimeout = .seconds(40)
        } _: { scheduler in
            let caller = try await scheduler.caller()
            for id in ["a", "b"] { try await caller.enqueue(id) }
            let request = NextRequest(leaseMilliseconds: lease, submitterID: "w", requestID: "r")
            try await end(ending, request, scheduler)
            // The hand-out stands before this call on the way to Redis, so that what is seen is behind it.
            try await eventually {
                let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
                return statistics.overview.low == 2 && statistics.dispatched == 0
            }
            let summary = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("a")))
            // It was taken, or this test would prove nothing.
            #expect(summary.record.updatedAt > summary.record.enqueuedAt)
            #expect(summary.record.status == .queued)
            #expect(summary.record.attempt == 0)
            #expect(summary.record.submitterID == "")
            #expect(summary.queuePosition?.positionInPriority == 1)
            // The kept answer went back too: the same request takes anew.
            let answer = try await caller.call(Methods.Submitter.next, request)
            #expect(answer.tasks.map(\.taskID.text) == ["a"])
            #expect(answer.tasks.map(\.attempt) == [1])
            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
            #expect(statistics.dispatched == 1)
            #expect(statistics.requeued == 0)
            #expect(statistics.leased == (lease == 0 ? 0 : 1))
            await caller.client.close()
        }
    }

    /// One that waits in a buffer of the server's while its client reads nothing.
    private static let large = #"{"x":"\#(String(repeating: "x", count: 1_000_000))"}"#

    @Test func `a client that sends no more, and is there, keeps the task that it gets`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t", parameters: GivenUpCallTests.large)
            let client = try await scheduler.server.client()
            try await client.stopReading()
            await client.send(Bytes.request(Methods.Submitter.next, NextRequest(), on: 1))
            try await client.finishSending()
            try await eventually { try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 1 }
            try await client.startReading()
            #expect(try await client.message(NextAnswer.self, on: 1).tasks.map(\.taskID.text) == ["t"])
            #expect(try await client.frame() == nil)
            await client.close()
            // What had to go back would be back before the next call's task.
            try await caller.enqueue("u")
            #expect(try await caller.next(2) == ["u"])
            #expect(try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 2)
            await caller.client.close()
        }
    }

    @Test func `a task that did not leave the server goes back when its client, which sent its last, is gone`()
        async throws
    {
        try await SchedulerServer.with {
            $0.redis.commandTimeout = .seconds(40)
        } _: { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t", parameters: GivenUpCallTests.large)
            let client = try await scheduler.server.client()
            try await client.stopReading()
            scheduler.redis.pause()
            await client.send(Bytes.request(Methods.Submitter.next, NextRequest(), on: 1))
            try await client.finishSending()
            // The server has seen that before the task comes.
            let neighbour = try await scheduler.server.client()
            await neighbour.send(Bytes.frame(.ping, on: 0))
            _ = try await neighbour.frame()
            await neighbour.close()
            scheduler.redis.resume()
            try await eventually { try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 1 }
            try await client.reset()
            try await eventually { try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 0 }
            #expect(try await caller.next(1) == ["t"])
            await caller.client.close()
        }
    }

    @Test(arguments: [true, false])
    func `a call that is given up just as a task comes has it or leaves it, and none is lost`(byCancel: Bool)
        async throws
    {
        try await SchedulerServer.with(threads: 2) { scheduler in
            let caller = try await scheduler.caller()
            let (client, sender) = (try await scheduler.server.client(), try await scheduler.server.client())
            var generator = SplitMix(state: 7)
            var received: [String] = []
            let rounds = 150
            for round in 0..<rounds {
                let streamID = UInt32(2 * round + 1)
                let microseconds = Int64(generator.next() % 2000)
                await client.send(
                    Bytes.request(
                        Methods.Submitter.next, NextRequest(waitMilliseconds: 60_000), on: streamID,
                        timeoutNanoseconds: byCancel ? 0 : 1000 * microseconds + 1))
                sender.sendLater(
                    Bytes.request(
                        Methods.Tasks.enqueue, SchedulerServer.submission("t\(round)"), on: streamID))
                if byCancel { await client.send(Bytes.frame(.cancel, on: streamID)) }
                let answer = try await client.answer()
                #expect(answer.streamID == streamID)
                if let error = answer.envelope.error {
                    #expect(error.knownReason == (byCancel ? .cancelled : .deadlineExceeded))
                } else {
                    received += try NextAnswer.decode(answer.envelope.payload).tasks.map(\.taskID.text)
                }
                _ = try await sender.message(TaskRecord.self, on: streamID)
            }
            await client.close()
            await sender.close()
            try await eventually {
                let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
                return scheduler.pool.waitingCalls == 0
                    && Int(statistics.overview.low) + received.count == rounds
                    && Int(statistics.dispatched) == received.count
            }
            #expect(Set(received).count == received.count)
            let rest = try await caller.next(1000)
            #expect(Set(received + rest) == Set((0..<rounds).map { "t\($0)" }))
            #expect(received.count + rest.count == rounds)
            await caller.client.close()
        }
    }

    @Test func `a call of a negative timeout is answered at once and takes no task`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let client = try await scheduler.server.client()
            for (streamID, nanoseconds) in [(1, -1), (3, .min)] as [(UInt32, Int64)] {
                await client.send(
                    Bytes.request(
                        Methods.Submitter.next, NextRequest(), on: streamID, timeoutNanoseconds: nanoseconds))
                #expect(try await client.error(on: streamID).statusCode == .deadlineExceeded)
            }
            #expect(try await caller.call(Methods.Tasks.getStats, GetStatsRequest()).dispatched == 0)
            #expect(try await caller.call(Methods.Submitter.next, NextRequest()).tasks.map(\.attempt) == [1])
            await client.close()
            await caller.client.close()
        }
    }
}
