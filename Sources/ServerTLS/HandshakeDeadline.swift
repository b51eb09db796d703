import Logging
import NIOCore
import NIOTLS

/// Cuts off a client that does not finish its handshake in time; leaves the pipeline when it has.
final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let time: TimeAmount
    private let logger: Logger
    private var deadline: Scheduled<Void>?
    private var hasFailed = false

    init(in time: TimeAmount, _ logger: Logger) {
        self.time = time
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard deadline == nil else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.log("it did not end in time", context)
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard let event = event as? TLSUserEvent, case .handshakeCompleted = event else { return }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        log("\(error)", context)
        context.fireErrorCaught(error)
    }

    private func log(_ cause: String, _ context: ChannelHandlerContext) {
        // The first cause is the one that counts.
        guard !hasFailed else { return }
        hasFailed = true
        logger.debug(
            "A TLS handshake failed",
            metadata: ["client": "\(context.remoteAddress?.ipAddress ?? "unknown")", "error": "\(cause)"])
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }
}
