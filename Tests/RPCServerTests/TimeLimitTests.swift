import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

/// What becomes of clients that are silent, slow or deaf.
@Suite(.timeLimit(.minutes(1))) struct TimeLimitTests {
    private let resume = Methods.Admin.resume
    private let getBlock = Methods.Admin.getBlock

    @Test(arguments: [[], [0], [0, 0, 0, 8, 0, 0, 0, 1, 1, 0], [0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 7]] as [[UInt8]])
    func `a connection without a whole frame in time is closed, whatever came of one`(_ start: [UInt8]) async throws {
        var limits = ConnectionLimits.patient
        limits.firstRequestTime = .seconds(1)
        try await TestMethods.serve(limits: limits) { server, _ in
            let silent = try await server.client()
            await silent.send(start)
            #expect(try await silent.frame() == nil)
            #expect(server.server.counters.timedOutConnections == 1)
            try await eventually {
                let used = try await server.client()
                let isAlive = (try? await expectAlive(used, on: 1)) != nil
                await used.close()
                return isAlive
            }
        }
    }

    @Test func `a frame that drips is not waited for, and one that comes in two parts is`() async throws {
        var limits = ConnectionLimits.patient
        limits.requestTime = .seconds(1)
        try await TestMethods.serve(limits: limits) { server, _ in
            let dripping = try await server.client()
            let halved = try await server.client()
            try await expectAlive(dripping, on: 1)
            let call = Bytes.request(resume, ResumeRequest(reason: "halved"), on: 1)
            let half = call.readableBytes / 2
            await halved.send(call.getSlice(at: 0, length: half) ?? call)
            await dripping.send(Bytes.header(.request, on: 3, announcing: 1_000_000))
            await halved.send(call.getSlice(at: half, length: call.readableBytes - half) ?? call)
            #expect(try await halved.message(BlockState.self, on: 1).reason == "halved")
            // What is sent to a connection that is gone is dropped.
            for _ in 0..<100 {
                await dripping.send([0])
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try await dripping.frame() == nil)
            #expect(server.server.counters.timedOutConnections == 1)
            try await expectAlive(halved, on: 3)
            await halved.close()
        }
    }

    @Test func `what the server does not read is not the client's delay`() async throws {
        var limits = ConnectionLimits.patient
        limits.requestTime = .seconds(1)
        limits.openStreamsMax = 1
        try await TestMethods.serve(limits: limits) { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            let call = Bytes.request(resume, ResumeRequest(reason: "later"), on: 3)
            await client.send(call.getSlice(at: 0, length: 15) ?? call)
            // Others are closed for the same meanwhile.
            let other = try await server.client()
            try await expectAlive(other, on: 1)
            await other.send(call.getSlice(at: 0, length: 15) ?? call)
            #expect(try await other.frame() == nil)
            methods.answer()
            #expect(try await client.answer().streamID == 1)
            await client.send(call.getSlice(at: 15, length: call.readableBytes - 15) ?? call)
            #expect(try await client.message(BlockState.self, on: 3).reason == "later")
            await client.close()
        }
    }

    @Test func `a connection that asks for nothing is sent away, and told so if it understands`() async throws {
        var limits = ConnectionLimits.patient
        limits.idleTime = .milliseconds(200)
        try await TestMethods.serve(limits: limits) { server, methods in
            let plain = try await server.client()
            try await expectAlive(plain, on: 1)
            let modern = try await server.client()
            await modern.send(Bytes.frame(.ping, on: 0))
            #expect(try await modern.frame()?.header.type == .pong)
            let busy = try await server.client()
            await busy.send(Bytes.request(getBlock, GetBlockRequest(), on: 1))
            #expect(try await plain.frame() == nil)
            let goaway = try #require(try await modern.frame())
            #expect(goaway.header.type == .goaway)
            #expect(RPCError(try RPCStatus.decode(goaway.data)).knownReason == .draining)
            #expect(try await modern.frame() == nil)
            // Who waits for an answer asks for something.
            try await eventually { methods.waitingCount == 1 }
            methods.answer()
            #expect(try await busy.answer().streamID == 1)
            #expect(server.server.counters.timedOutConnections == 0)
            await busy.close()
        }
    }

    @Test func `a client that takes nothing of what it asked for is cut off`() async throws {
        var limits = ConnectionLimits.patient
        limits.unreadTime = .milliseconds(300)
        try await TestMethods.serve(limits: limits) { server, methods in
            let other = try await server.client()
            let client = try await server.client()
            try await client.stopReading()
            let reason = String(repeating: "x", count: 60_000)
            for number in 0..<500 {
                client.sendLater(Bytes.request(resume, ResumeRequest(reason: reason), on: UInt32(2 * number + 1)))
            }
            try await eventually { server.server.counters.timedOutConnections == 1 }
            // The server had stopped reading long before.
            #expect(methods.callCount < 400)
            try await expectAlive(other, on: 1)
            await client.close()
            await other.close()
        }
    }

    @Test func `tasks that a client does not take go back to their queue, though it stays connected`() async throws {
        var limits = ConnectionLimits.patient
        limits.unreadTime = .milliseconds(500)
        try await SchedulerServer.with(threads: 2, limits: limits) { scheduler in
            let caller = try await scheduler.caller()
            let parameters = "{\"x\":\"" + String(repeating: "x", count: 900_000) + "\"}"
            for number in 0..<40 { try await caller.enqueue("t\(number)", parameters: parameters) }
            let client = try await scheduler.server.client()
            try await client.stopReading()
            var calls = ByteBuffer()
            for number in 0..<40 {
                calls.writeImmutableBuffer(
                    Bytes.request(Methods.Submitter.next, NextRequest(), on: UInt32(2 * number + 1)))
            }
            await client.send(calls)
            try await eventually { scheduler.server.server.counters.timedOutConnections == 1 }
            // What the kernels had taken counts as delivered.
            try await eventually {
                let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
                return statistics.overview.low > 20 && statistics.dispatched + statistics.overview.low == 40
            }
            await client.close()
            await caller.client.close()
        }
    }
}
