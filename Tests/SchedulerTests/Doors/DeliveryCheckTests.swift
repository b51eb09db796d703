import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Scheduler

@Suite(.timeLimit(.minutes(1))) struct DeliveryCheckTests {
    /// A connection's two ends; the client reads only when it is told to.
    private func withConnection(
        _ body: (_ server: any Channel, _ client: any Channel) async throws -> Void
    ) async throws {
        let (accepted, source) = AsyncStream.makeStream(of: (any Channel).self)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { _ = source.yield(channel) } }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 16 << 10)
            .connect(to: try #require(listener.localAddress)).get()
        for await server in accepted {
            try await body(server, client)
            try? await server.close()
            break
        }
        try? await client.close()
        try await listener.close()
    }

    private func ask<Value: Sendable>(
        _ channel: any Channel, _ question: @escaping @Sendable (DeliveryCheck, EventLoopPromise<Value>) -> Void
    ) -> EventLoopFuture<Value> {
        channel.eventLoop.flatSubmit {
            let promise = channel.eventLoop.makePromise(of: Value.self)
            if let check = DeliveryCheck(channel) {
                question(check, promise)
            } else {
                promise.fail(TestFailure("the connection is closed"))
            }
            return promise.futureResult
        }
    }

    private func look(_ channel: any Channel) async throws -> DeliveryCheck.Outcome {
        try await ask(channel) { check, promise in check.look { promise.succeed($0) } }.get()
    }

    private func reset(_ channel: any Channel) async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }

    @Test func `what the client's kernel has is delivered, though the client did not read it`() async throws {
        try await withConnection { server, client in
            try await eventually { try await look(server) == .delivered }
            try await server.writeAndFlush(ByteBuffer(repeating: 0, count: 1000))
            // Its kernel may say so a moment later.
            try await eventually { try await look(server) == .delivered }
        }
    }

    @Test(arguments: [200_000, 20_000_000])
    func `what waits in a buffer here is pending, and refused once the client is gone`(bytes: Int) async throws {
        try await withConnection { server, client in
            // The kernel takes the smaller one at once; nothing of it is on its way then, as the client takes no more.
            server.writeAndFlush(ByteBuffer(repeating: 0, count: bytes), promise: nil)
            try await eventually { try await look(server) == .pending }
            let known: EventLoopFuture<Bool> = ask(server) { check, promise in
                check.whenKnown { promise.succeed($0) }
            }
            try await reset(client)
            #expect(try await !known.get())
        }
    }

    @Test func `what a client takes late is known to be delivered then`() async throws {
        try await withConnection { server, client in
            try await server.writeAndFlush(ByteBuffer(repeating: 0, count: 200_000))
            #expect(try await look(server) == .pending)
            let known: EventLoopFuture<Bool> = ask(server) { check, promise in
                check.whenKnown { promise.succeed($0) }
            }
            try await client.setOption(.autoRead, value: true).get()
            #expect(try await known.get())
        }
    }

    /// Looks when the connection turns out to be reset, and then no more.
    private final class LookAtReset: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let outcome: EventLoopPromise<DeliveryCheck.Outcome>

        init(_ outcome: EventLoopPromise<DeliveryCheck.Outcome>) { self.outcome = outcome }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            DeliveryCheck(context.channel)?.look { self.outcome.succeed($0) }
        }
    }

    @Test(arguments: [true, false])
    func `where a connection turns out to be reset it is still known whether all was delivered`(
        isDelivered: Bool
    ) async throws {
        try await withConnection { server, client in
            let outcome = server.eventLoop.makePromise(of: DeliveryCheck.Outcome.self)
            try await server.eventLoop.submit {
                try server.pipeline.syncOperations.addHandler(LookAtReset(outcome))
            }.get()
            try await server.writeAndFlush(ByteBuffer(repeating: 0, count: isDelivered ? 1000 : 200_000))
            try await reset(client)
            #expect(try await outcome.futureResult.get() == (isDelivered ? .delivered : .refused))
        }
    }
}
