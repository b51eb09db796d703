import DMSModel
import HTTPTypes
import NIOCore
import NIOHTTP1
import Scheduler

/// Keeps the promises of an HTTP/1 connection that the framework's server leaves open.
///
/// It closes where the request, its version or the answer says so, and cleanly: output first, then what still comes is
/// discarded for a while, so that no reset overtakes the answer. It answers `Expect: 100-continue`, cuts off clients
/// that send without end, or too slowly, or do not read, and gives the framework's own bodiless errors the body that every
/// error has.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let securityHeaders: HTTPHeaders
    private let configuration: RESTServer.Configuration
    /// What the first request is answered with, where the connection is refused.
    private let refusal: SchedulerError?
    /// The answer to a request that was not passed on, until those before it are answered.
    private var withheld: Answer?
    private let deadlines: DeadlineQueue
    private let answers: AnswerMemory
    let origin = CallOrigin()
    /// The room of the answer that is due, or being written.
    private var room: AnswerRoom?
    private var state: ConnectionState
    private var clock: ConnectionClock
    private var timer: (deadline: NIODeadline, ticket: DeadlineQueue.Ticket)?
    private var unread: UnreadWatch?
    private var unreadTimer: DeadlineQueue.Ticket?
    private var rate: RequestRate?
    private var isHeadTooLarge = false
    private var context: ChannelHandlerContext?
    private var lingerDeadline: Scheduled<Void>?
    private var isInputClosed = false
    /// Where it matters whether an answer reaches the client.
    private let delivery: AnswerDelivery
    /// Nothing behind an offer to change the protocol is decoded: see ``offersOtherProtocol(_:)``.
    private var isDecoderAtEnd = false

    /// - Parameters:
    ///   - deadlines: Those of the connection's loop.
    ///   - answers: What large answers take up.
    ///   - refusal: Why the connection is refused, where it is.
    init(
        _ configuration: RESTServer.Configuration, deadlines: DeadlineQueue, answers: AnswerMemory,
        refusal: SchedulerError?
    ) {
        self.configuration = configuration
        self.deadlines = deadlines
        self.answers = answers
        self.refusal = refusal
        state = ConnectionState(discardedBytesMax: configuration.discardedBytesMax)
        clock = ConnectionClock(configuration, isRefused: refusal != nil)
        securityHeaders = configuration.tls == nil ? SecurityHeaders.plain : SecurityHeaders.insideTLS
        rate = RequestRate(perSecondMax: configuration.requestsPerSecondMax)
        delivery = AnswerDelivery(deadlines)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { updateClock() }
    }

    func channelActive(context: ChannelHandlerContext) {
        updateClock()
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopTimers()
        self.context = nil
    }

    /// How long the client has to wait where it asks too often; nil where it may go on.
    func takeRequest() -> Duration? { rate?.take(at: .now()) }

    /// From now on the call is told when its client is gone before it has the answer.
    func watch(_ call: NextCall) {
        delivery.begin(call)
        if isInputClosed { call.endWait() }
    }

    /// Holds the room of the answer that is about to be given, until the client has it.
    func takeRoom() { room = origin.takeRoom() }

    /// The call that is watched, or about to be, has begun to wait for a task.
    ///
    /// A client that sends no more may be gone, and could not tell us otherwise: it is answered with what there is.
    func callWaits() {
        if isInputClosed { delivery.endWait() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            clock.restart()
            if let refusal { return refuse(Answer(refusal, part: "body"), head, context) }
            if let answer = HeadCheck.refusal(of: head) { return refuse(answer, head, context) }
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
        case .end:
            clock.restart()
            if state.requestEnd() { context.fireChannelRead(data) }
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
        return expectation.lowercased() == "100-continue" && length <= configuration.bodyBytesMax
    }

    private func sendContinue(_ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        updateClock()
        if state.isLingering { discardMore(context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !state.isLingering else {
            // Whoever is further in did not know that the last answer was written from here.
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code >= 200: writeHead(head, context, promise)
        case .head, .body: context.write(data, promise: promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponseHead, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        delivery.answerBegins()
        var head = head
        if isHeadTooLarge, head.status == .badRequest { head.status = .requestHeaderFieldsTooLarge }
        let needsBody = head.status.code >= 400 && head.headers.first(name: "content-length") == "0"
        let body = needsBody && state.answerMayHaveBody ? Answer.detailBody(head.status.reasonPhrase) : nil
        if let body {
            head.headers.replaceOrAdd(name: "content-length", value: String(body.readableBytes))
            head.headers.replaceOrAdd(name: "content-type", value: "application/json")
            let reason = Answer.reason(ofStatus: Int(head.status.code))
            head.headers.add(name: HTTPField.Name.reason.canonicalName, value: reason.rawValue)
        }
        switch state.answerHead(saysClose: !head.isKeepAlive) {
        case .leave: break
        case .sayClose: head.headers.replaceOrAdd(name: "connection", value: "close")
        case .sayKeepAlive: head.headers.replaceOrAdd(name: "connection", value: "keep-alive")
        }
        head.headers.add(contentsOf: securityHeaders)
        let bytes = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        if bytes > Limits.smallAnswerBytesMax {
            room = room ?? answers.claim(bytes)
            room?.shrink(to: bytes)
        }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = holdRoom(until: delivery.write(promise, on: context.channel), context)
        switch state.answerEnd() {
        case .none:
            context.write(data, promise: promise)
            answerWithheld(context)
        case .sendContinue:
            context.write(data, promise: promise)
            sendContinue(context)
        case .linger:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in self.startLingering(context) }
            context.writeAndFlush(data, promise: written)
        }
        updateClock()
    }

    /// The end of an answer is written with the promise that this returns; until then a large one keeps its room.
    private func holdRoom(
        until promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) -> EventLoopPromise<Void>? {
        guard let room else { return promise }
        self.room = nil
        let written = promise ?? context.eventLoop.makePromise()
        RoomWatch(room, of: answers, on: context.channel, deadlines).hold(until: written.futureResult) {
            context.close(promise: nil)
        }
        return written
    }

    private func startLingering(_ context: ChannelHandlerContext) {
        guard context.channel.isActive, lingerDeadline == nil else { return }
        if isInputClosed { return closeWhenTaken(.all, nil, context) }
        lingerDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(configuration.lingerTime)) {
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
            // Where the client has closed its side too, to close ours is to close the connection.
            guard mode == .output, isInputClosed else { return context.close(mode: mode, promise: promise) }
            return closeWhenTaken(mode, promise, context)
        }
        // It is on its way: the client, or the deadline, ends it.
        context.channel.closeFuture.cascade(to: promise)
    }

    /// Closes the connection of a client that sends no more, once it has its answers or is known to be gone.
    ///
    /// What is not written by then would be dropped, and what is refused would not be heard of.
    private func closeWhenTaken(_ mode: CloseMode, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext)
    {
        delivery.whenKnown(context.channel) { context.close(mode: mode, promise: promise) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            delivery.clientEnded(context.channel)
            if state.isLingering {
                // The client is not waited for any more, but its kernel is.
                lingerDeadline?.cancel()
                return closeWhenTaken(.all, nil, context)
            }
        }
        if event is ChannelShouldQuiesceEvent { state.quiesce() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, error == .headerOverflow { isHeadTooLarge = true }
        if error is IOError { delivery.clientReset(context.channel) }
        // What follows bytes that were no request is none either.
        if !state.isLingering { context.fireErrorCaught(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lingerDeadline?.cancel()
        stopTimers()
        origin.end()
        room = nil
        delivery.connectionEnded()
        context.fireChannelInactive()
    }
}

// MARK: - Answers from here

extension ConnectionHandler {
    /// Why the request that is being read is not read on.
    private struct RequestTimedOut: Error {}

    /// Answers a request that nobody further in hears of, in its turn; nothing behind it is served.
    private func refuse(_ answer: Answer, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard state.refusedHead(isHead: head.method == .HEAD) else { return }
        withheld = answer
        answerWithheld(context)
    }

    private func answerWithheld(_ context: ChannelHandlerContext) {
        guard state.mayAnswerFromHere, let answer = withheld else { return }
        withheld = nil
        self.answer(answer, context)
    }

    /// Writes a last answer of this handler's own; whoever is further in hears that the client has sent its last.
    private func answer(_ answer: Answer, _ context: ChannelHandlerContext) {
        delivery.abandon()
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
        for field in answer.headers { head.headers.add(name: field.name.canonicalName, value: field.value) }
        head.headers.replaceOrAdd(name: "connection", value: "close")
        if let body = answer.body {
            head.headers.add(name: "content-type", value: "application/json")
            head.headers.add(name: "content-length", value: String(body.readableBytes))
        }
        let body = state.answerMayHaveBody ? answer.body : nil
        writeHead(head, context, nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        writeEnd(wrapOutboundOut(.end(nil)), context, nil)
    }
}

// MARK: - Time

extension ConnectionHandler {
    private func updateClock() {
        clock.expect(state.awaited, at: .now())
        arm()
    }

    private func arm() {
        guard let deadline = clock.deadline, context != nil else { return }
        if let timer {
            // It looks again when it comes.
            guard deadline < timer.deadline else { return }
            deadlines.cancel(timer.ticket)
        }
        timer = (deadline, deadlines.schedule(at: deadline) { self.timerFired() })
    }

    private func timerFired() {
        timer = nil
        guard let context, let deadline = clock.deadline else { return }
        guard .now() >= deadline else { return arm() }
        switch clock.awaited {
        case .nothing: break
        case .firstHead: context.close(promise: nil)
        case .head:
            guard unsentBytes > 0 else { return context.close(promise: nil) }
            clock.postpone(at: .now())
            arm()
        case .body: requestTimedOut(context)
        }
    }

    private func requestTimedOut(_ context: ChannelHandlerContext) {
        guard state.mayAnswerFromHere, state.isAnswerDue else { return context.close(promise: nil) }
        // First, so that nobody further in takes the request for whole when he hears that no more comes.
        context.fireErrorCaught(RequestTimedOut())
        answer(
            Answer(status: 408, detail: "The request did not arrive in time", reason: .deadlineExceeded), context)
    }

    private var unsentBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let unreadTimer { deadlines.cancel(unreadTimer) }
        unreadTimer = nil
        if !context.channel.isWritable {
            let watch = UnreadWatch(time: configuration.unreadTime, unsentBytes: unsentBytes, at: .now())
            unread = watch
            unreadTimer = deadlines.schedule(at: watch.nextLook) { self.lookWhetherRead() }
        }
        context.fireChannelWritabilityChanged()
    }

    private func lookWhetherRead() {
        unreadTimer = nil
        guard let context, var watch = unread else { return }
        guard !watch.isOver(unsentBytes: unsentBytes, at: .now()) else { return context.close(promise: nil) }
        unread = watch
        unreadTimer = deadlines.schedule(at: watch.nextLook) { self.lookWhetherRead() }
    }

    private func stopTimers() {
        if let timer { deadlines.cancel(timer.ticket) }
        if let unreadTimer { deadlines.cancel(unreadTimer) }
        timer = nil
        unreadTimer = nil
    }
}
