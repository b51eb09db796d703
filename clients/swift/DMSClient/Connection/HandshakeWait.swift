import DMSWire
import NIOCore
import NIOTLS

/// Tells when a new connection's TLS handshake has ended and the server has taken us; leaves the pipeline with ``take()``.
///
/// For the client the handshake is over before the server has looked at its certificate, so a first ping has to come back:
/// no call is sent to a server that refuses us, where it would not be known what became of it.
final class HandshakeWait: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let timeout: TimeAmount
    private var promise: EventLoopPromise<Void>?
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var decoder = FrameDecoder()
    private var isHandshakeOver = false

    init(timeout: TimeAmount) { self.timeout = timeout }

    /// Waits for the end, after which nothing of this is left.
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
            self.fail(ChannelError.connectTimeout(self.timeout))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            isHandshakeOver = true
            context.writeAndFlush(wrapOutboundOut(HandshakeWait.frame(.ping)), promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        do throws(FrameError) {
            while let event = try decoder.next() {
                let frame: Frame
                switch event {
                case .frame(let whole): frame = whole
                case .oversized(let header): return fail(HandshakeWait.stranger(header))
                }
                switch frame.header.type {
                case .pong where decoder.isBetweenFrames: return succeed()
                // Nothing was asked for yet: what else it has to say is a farewell.
                case .pong, .goaway: return fail(ClientTLSError(description: "the server is shutting down"))
                case .request, .response, .data: return fail(HandshakeWait.stranger)
                // Of a protocol that has grown.
                default: break
                }
            }
        } catch {
            switch error {
            case .tooLong(let header): fail(HandshakeWait.stranger(header))
            }
        }
    }

    private func succeed() {
        deadline?.cancel()
        promise?.succeed()
    }

    private static let stranger = StrangerError(cause: "inside TLS it answers a ping with something else")

    private static func stranger(_ header: FrameHeader) -> StrangerError {
        StrangerError(cause: "inside TLS \(StrangerText.describe(header))")
    }

    private static func frame(_ type: FrameType) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(type, streamID: 0, data: ByteBuffer(), into: &bytes)
        return bytes
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An alert says why; a reset, which may overtake it, does not.
        fail(isHandshakeOver && error is IOError ? HandshakeWait.refused : error)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        promise?.fail(isHandshakeOver ? HandshakeWait.refused : ChannelError.eof)
        self.context = nil
    }

    private static let refused = ClientTLSError(
        description: "the server closed the connection behind the TLS handshake; it may ask for a client's certificate")

    /// Of several causes the first one counts.
    private func fail(_ error: any Error) {
        deadline?.cancel()
        promise?.fail(error)
        context?.close(promise: nil)
    }
}
