import NIOCore
import NIOHTTP1

/// Keeps the promises of an HTTP/1 connection that the framework's server leaves open.
///
/// It closes where the request, its version or the answer says so, and cleanly: output first, then what still comes is
/// discarded for a while, so that no reset overtakes the answer. It answers `Expect: 100-continue`, cuts off clients
/// that send without end, and gives the framework's own bodiless errors the body that every error has.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodyBytesMax: Int
    private let lingerTime: TimeAmount
    private let securityHeaders: HTTPHeaders
    private var state: ConnectionState
    private var lingerDeadline: Scheduled<Void>?
    private var isInputClosed = false
    /// The call whose answer is due, where it matters whether the answer reaches the client.
    private var watched: WatchedCall?
    /// Nothing behind an offer to change the protocol is decoded: see ``offersOtherProtocol(_:)``.
    private var isDecoderAtEnd = false

    init(bodyBytesMax: Int, discardedBytesMax: Int, lingerTime: TimeAmount, securityHeaders: HTTPHeaders) {
        self.bodyBytesMax = bodyBytesMax
        self.lingerTime = lingerTime
        self.securityHeaders = securityHeaders
        state = ConnectionState(discardedBytesMax: discardedBytesMax)
    }

    /// From now on the call is told when its client is gone before it has the answer.
    func watch(_ call: WatchedCall) {
        // An answer before it that was never written never will be.
        watched?.abandon()
        watched = nil
        if isInputClosed, call.isWaiting { return call.abandon() }
        watched = call
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isDecoderAtEnd = isDecoderAtEnd || offersOtherProtocol(head)
            let action = state.requestHead(
                keepsAlive: head.isKeepAlive && !isDecoderAtEnd, isOldVersion: head.version != .http1_1,
                isHead: head.method == .HEAD, awaitsContinue: awaitsContinue(head))
            if action == .discard { return }
            if action == .passAndContinue { sendContinue(context) }
            context.fireChannelRead(data)
        case .body(let body):
            switch state.requestBody(bytes: body.readableBytes) {
            case .pass: context.fireChannelRead(data)
            case .discard: return
            case .cut: context.close(promise: nil)
            }
        case .end: if state.requestEnd() { context.fireChannelRead(data) }
        }
    }

    /// NIO's decoder takes every byte behind such a request for the other protocol's, so the connection ends with it.
    ///
    /// Java's client offers `h2c` on each new connection.
    private func offersOtherProtocol(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT || head.headers.contains(name: "upgrade")
    }

    /// A body that would be refused for its size is not asked for.
    private func awaitsContinue(_ head: HTTPRequestHead) -> Bool {
        guard head.version == .http1_1, let expectation = head.headers.first(name: "expect") else { return false }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        return expectation.lowercased() == "100-continue" && length <= bodyBytesMax
    }

    private func sendContinue(_ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if state.isLingering { discardMore(context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code >= 200: writeHead(head, context, promise)
        case .head, .body: context.write(data, promise: promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponseHead, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        let needsBody = head.status.code >= 400 && head.headers.first(name: "content-length") == "0"
        let body = needsBody && state.answerMayHaveBody ? Answer.detailBody(head.status.reasonPhrase) : nil
        if let body {
            head.headers.replaceOrAdd(name: "content-length", value: String(body.readableBytes))
            head.headers.replaceOrAdd(name: "content-type", value: "application/json")
        }
        switch state.answerHead(saysClose: !head.isKeepAlive) {
        case .leave: break
        case .sayClose: head.headers.replaceOrAdd(name: "connection", value: "close")
        case .sayKeepAlive: head.headers.replaceOrAdd(name: "connection", value: "keep-alive")
        }
        head.headers.add(contentsOf: securityHeaders)
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = watchingWrite(promise, context)
        switch state.answerEnd() {
        case .none: context.write(data, promise: promise)
        case .sendContinue:
            context.write(data, promise: promise)
            sendContinue(context)
        case .linger:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in self.startLingering(context) }
            context.writeAndFlush(data, promise: written)
        }
    }

    private func watchingWrite(
        _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) -> EventLoopPromise<Void>? {
        guard let watched else { return promise }
        self.watched = nil
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenFailure { _ in watched.abandon() }
        return written
    }

    private func startLingering(_ context: ChannelHandlerContext) {
        guard context.channel.isActive, lingerDeadline == nil else { return }
        if isInputClosed {
            context.close(promise: nil)
            return
        }
        lingerDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: lingerTime) {
            context.close(promise: nil)
        }
        context.close(mode: .output, promise: nil)
        // For everybody further in, the client has sent its last.
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        discardMore(context)
    }

    /// Reads what will be discarded, since nobody inside asks for more once the last request was passed on.
    ///
    /// A decoder that is at its end would keep the bytes.
    private func discardMore(_ context: ChannelHandlerContext) {
        if !isDecoderAtEnd { context.read() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, state.isLingering else {
            context.close(mode: mode, promise: promise)
            return
        }
        // It is on its way: the client, or the deadline, ends it.
        context.channel.closeFuture.cascade(to: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            // Who waits for a task and sends no more is taken for gone: it could not tell us otherwise.
            if let watched, watched.isWaiting {
                self.watched = nil
                watched.abandon()
            }
            if state.isLingering {
                context.close(promise: nil)
                return
            }
        }
        if event is ChannelShouldQuiesceEvent { state.quiesce() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows bytes that were no request is none either.
        if !state.isLingering { context.fireErrorCaught(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lingerDeadline?.cancel()
        watched?.abandon()
        watched = nil
        context.fireChannelInactive()
    }
}
