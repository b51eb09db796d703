import NIOCore
import NIOTLS

/// Tells when a new connection's TLS handshake has ended, well or not; leaves the pipeline with ``take()``.
final class HandshakeWait: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let timeout: TimeAmount
    private var promise: EventLoopPromise<Void>?
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(timeout: TimeAmount) { self.timeout = timeout }

    /// Waits for the handshake's end, after which nothing of this is left.
    func take() -> EventLoopFuture<Void>? {
        guard let context, let promise else { return nil }
        return promise.futureResult.assumeIsolated().map {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }.nonisolated()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        promise = context.eventLoop.makePromise()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.promise?.fail(ChannelError.connectTimeout(self.timeout))
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            deadline?.cancel()
            promise?.succeed()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Of several the first says what is wrong.
        promise?.fail(error)
        context.fireErrorCaught(error)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        promise?.fail(ChannelError.eof)
        self.context = nil
    }
}
