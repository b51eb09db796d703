import DMSWire
import Foundation
import NIOCore
import NIOPosix
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct AdmissionTests {
    @Test func `a connection past the limit is closed and counted, until another has gone`() async throws {
        var limits = ConnectionLimits.patient
        limits.tellingTime = .milliseconds(100)
        try await TestMethods.serve(connectionsMax: 2, limits: limits) { server, _ in
            let (first, second) = (try await server.client(), try await server.client())
            try await expectAlive(first, on: 1)
            try await expectAlive(second, on: 1)
            let third = try await server.client()
            #expect(try await third.frame() == nil)
            #expect(server.server.gate.refusedConnections == 1)
            try await expectAlive(first, on: 3)

            await first.close()
            try await eventually {
                let next = try await server.client()
                await next.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
                let isServed = try await next.frame() != nil
                await next.close()
                return isServed
            }
            try await expectAlive(second, on: 3)
            await second.close()
        }
    }

    @Test func `accepting pauses where no file descriptor is left, and goes on`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (accepted, connections) = AsyncStream<ContinuousClock.Instant>.makeStream()
        var arrivals = accepted.makeAsyncIterator()
        let gate = ConnectionGate(door: "test", connectionsMax: 10, logger: TestServer.logger)
        var listeners = try await Listeners.open(
            RPCServerConfiguration(port: 0), group: group, gate: gate, logger: TestServer.logger
        ) { channel in
            connections.yield(.now)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        let listener = try #require(listeners.channels.first)
        let address = try #require(listener.localAddress)
        // One accept a read: both clients in one would need no second read.
        try await listener.setOption(.maxMessagesPerRead, value: 1).get()
        // The failure stands for that of an accept; the read that was asked for before it is still to come.
        let failure = ContinuousClock.now
        try await listener.eventLoop.submit {
            listener.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
        }.get()
        let first = try await RawClient(address)
        _ = await arrivals.next()
        try await listener.eventLoop.submit {}.get()
        let second = try await RawClient(address)
        let resumed = try #require(await arrivals.next())
        #expect(resumed - failure >= .milliseconds(90))
        await first.close()
        await second.close()
        await listeners.close()
        try await group.shutdownGracefully()
    }
}
