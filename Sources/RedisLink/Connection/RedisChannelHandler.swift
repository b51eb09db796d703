internal import NIOCore

/// Who is told what comes on a channel.
protocol RedisChannelOwner: AnyObject {
    /// The next answer.
    func receive(_ reply: borrowing RedisReply)
    /// The channel is of no use any more.
    func lose(_ reason: String)
}

/// Sits between a channel and its owner: bytes come in, whole answers go to the owner.
final class RedisChannelHandler<Owner: RedisChannelOwner>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who uses this channel; nil before it does and after it gave the channel up.
    private var owner: Owner?
    private var context: ChannelHandlerContext?
    private var reader = RedisReader()

    /// From now on the owner hears of what comes.
    func attach(to owner: Owner) { self.owner = owner }

    /// Closes the channel; the owner hears no more of it.
    func giveUp() {
        owner = nil
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
            while bytes.readableBytes > 0, owner != nil {
                try reader.feed(&bytes)
                while let reply = try reader.next() {
                    guard let owner else { return }
                    owner.receive(reply.view)
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
        owner?.lose(reason)
    }
}
