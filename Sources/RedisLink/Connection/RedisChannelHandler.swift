internal import NIOCore

/// Sits between a channel and its link: bytes come in, whole answers go to the link.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The link that uses this channel; nil before it does and after it gave the channel up.
    private var connection: RedisConnection?
    private var context: ChannelHandlerContext?
    private var reader = RedisReader()

    /// From now on the link hears of what comes.
    func attach(to connection: RedisConnection) { self.connection = connection }

    /// Closes the channel; the link hears no more of it.
    func giveUp() {
        connection = nil
        context?.close(promise: nil)
    }

    /// Succeeds when the channel is closed.
    var closeFuture: EventLoopFuture<Void>? { context?.channel.closeFuture }

    /// Hands bytes to the socket.
    func send(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        lose("the connection was closed")
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        do {
            while bytes.readableBytes > 0, connection != nil {
                try reader.feed(&bytes)
                while let reply = try reader.next() {
                    guard let connection else { return }
                    connection.receive(reply.view)
                }
            }
        } catch {
            lose("its answer is malformed: \(error)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lose("the connection was closed by Redis")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        lose(ConnectFailure.describe(error))
        context.close(promise: nil)
    }

    private func lose(_ reason: String) {
        connection?.lose(reason)
    }
}
