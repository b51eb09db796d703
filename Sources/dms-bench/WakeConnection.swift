import NIOCore
import NIOPosix

/// A connection that makes one call at a time and says when its answer came.
struct WakeConnection {
    /// A call under way.
    struct Call {
        /// When it was sent.
        var start: NIODeadline
        fileprivate var arrival: EventLoopFuture<NIODeadline>

        /// When its answer came.
        func get() async throws -> NIODeadline { try await arrival.get() }
    }

    private let handler: NIOLoopBound<Handler>

    static func open(port: Int, _ call: RPCLoad.Call) async throws -> WakeConnection {
        let wire = try RPCLoad(call)
        let channel = try await ClientBootstrap(group: LoadDriver.loop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler(wire)) }
            }.connect(host: "127.0.0.1", port: port).get()
        return WakeConnection(
            handler: try await channel.eventLoop.submit {
                NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: Handler.self), eventLoop: channel.eventLoop)
            }.get())
    }

    func close() async { _ = try? await handler.eventLoop.submit { [handler] in handler.value.close() }.get() }

    /// Sends a call about a task, or for any.
    func call(_ number: Int) async throws -> Call {
        try await handler.eventLoop.submit { [handler] in handler.value.call(number) }.get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var wire: RPCLoad
        private var input = ByteBuffer()
        private var arrival: EventLoopPromise<NIODeadline>?
        private var context: ChannelHandlerContext?

        init(_ wire: RPCLoad) { self.wire = wire }

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func handlerRemoved(context: ChannelHandlerContext) {
            self.context = nil
            arrival?.fail(BenchFailure("a connection was closed by the server"))
        }

        func call(_ number: Int) -> Call {
            let arrival = LoadDriver.loop.makePromise(of: NIODeadline.self)
            guard let context else {
                arrival.fail(BenchFailure("a connection is closed"))
                return Call(start: .now(), arrival: arrival.futureResult)
            }
            self.arrival = arrival
            var output = ByteBuffer()
            _ = wire.write(number, into: &output)
            let start = NIODeadline.now()
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            return Call(start: start, arrival: arrival.futureResult)
        }

        func close() { context?.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let now = NIODeadline.now()
            var bytes = unwrapInboundIn(data)
            input.writeBuffer(&bytes)
            do {
                if try wire.read(from: &input) != nil { arrival?.succeed(now) }
            } catch {
                arrival?.fail(error)
            }
        }
    }
}
