import DMSModel
import DMSWire
import Logging
import NIOCore

/// One client's connection: performs what ``ConnectionState`` decides, and puts the answers into frames.
///
/// Answers are collected and sent once a read burst or once a tick of the loop.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct OpenCall {
        var deadline: Scheduled<Void>?
    }

    private let connections: LoopConnections
    private let counters: RPCServerCounters
    private let limits: ConnectionLimits
    private let logger: Logger
    private var state: ConnectionState
    private var calls: [UInt32: OpenCall] = [:]
    private var output = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var isProcessing = false
    private var isFlushScheduled = false
    private var isReadWithheld = false
    /// Ends the present stage of the connection's end, unless that comes to its end before.
    private var closing: Scheduled<Void>?

    init(
        _ connections: LoopConnections, _ limits: ConnectionLimits, _ counters: RPCServerCounters, _ logger: Logger
    ) {
        self.connections = connections
        self.counters = counters
        self.limits = limits
        self.logger = logger
        state = ConnectionState(limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connections.add(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        // A client that was accepted just before the listener closed.
        if connections.isDraining { drain() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        for call in calls.values { call.deadline?.cancel() }
        calls.removeAll()
        closing?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connections.remove(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("A connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }
}

// MARK: - Input

extension ConnectionHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        state.received(unwrapInboundIn(data))
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard !state.isClosing else { return context.close(promise: nil) }
        state.inputEnded()
        process()
    }

    /// Reading goes on only while the client's calls and its unread answers are within bounds.
    func read(context: ChannelHandlerContext) {
        guard mayRead else {
            isReadWithheld = true
            return
        }
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        process()
        context.fireChannelWritabilityChanged()
    }

    private var hasRoomForAnswers: Bool {
        guard let context else { return false }
        return context.channel.isWritable && output.readableBytes < limits.unsentBytesMax
    }

    private var mayRead: Bool { state.isClosing || state.wantsInput && hasRoomForAnswers }

    /// Does all that the bytes so far ask for and the limits allow.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while hasRoomForAnswers {
            guard let action = state.next(at: .now()) else {
                if state.isDone { finish() }
                break
            }
            perform(action)
        }
        if state.hasEnded { finish() }
        isProcessing = false
        if isReadWithheld, mayRead {
            isReadWithheld = false
            context?.read()
        }
    }

    private func perform(_ action: ConnectionState.Action) {
        switch action {
        case .call(let streamID, let data): call(streamID, data)
        case .refuse(let streamID, let error): write(error, streamID)
        case .abandon(let streamID, let error):
            if let call = calls.removeValue(forKey: streamID) {
                call.deadline?.cancel()
                state.answered()
            }
            write(error, streamID)
        case .refuseAndClose(let streamID, let error):
            logger.debug("A connection broke the rules", metadata: ["error": "\(error)"])
            write(error, streamID)
            end()
        case .pong(let data): FrameEncoder.write(.pong, streamID: 0, data: data, into: &output)
        case .goAwayAndClose(let error):
            writeGoAway(error)
            end()
        case .ignore: counters.countIgnoredFrame()
        case .closeAtOnce: closeAtOnce()
        }
    }
}

// MARK: - Calls

extension ConnectionHandler {
    private func call(_ streamID: UInt32, _ data: ByteBuffer) {
        calls[streamID] = OpenCall()
        let envelope: RequestEnvelope
        do throws(WireError) {
            envelope = try RequestEnvelope.decode(data)
        } catch {
            return answer(streamID, .failure(error.schedulerError))
        }
        guard envelope.timeoutNanoseconds >= 0 else { return deadlinePassed(streamID) }
        if envelope.timeoutNanoseconds > 0, let context {
            let timeout = TimeAmount.nanoseconds(envelope.timeoutNanoseconds)
            calls[streamID]?.deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
                self.deadlinePassed(streamID)
            }
        }
        let context = CallContext(caller: Caller(envelope), isDraining: connections.isDraining)
        connections.router.call(envelope, context) { self.answer(streamID, $0) }
    }

    private func deadlinePassed(_ streamID: UInt32) {
        answer(streamID, .failure(SchedulerError(.deadlineExceeded, "The call's deadline has passed")))
    }

    /// Answers a call, unless it was answered already or its client is gone.
    private func answer(_ streamID: UInt32, _ outcome: MethodRouter.Outcome) {
        guard let call = calls.removeValue(forKey: streamID) else { return }
        call.deadline?.cancel()
        state.answered()
        switch outcome {
        case .success(let message): write(message, streamID)
        case .failure(let error): write(error, streamID)
        }
        scheduleFlush()
        process()
    }
}

// MARK: - Output

extension ConnectionHandler {
    private func write(_ message: some WireMessage, _ streamID: UInt32) {
        let fits = FrameEncoder.write(
            .response, streamID: streamID, message: AnswerEnvelope(message), into: &output)
        guard !fits else { return }
        write(SchedulerError(.limitFrame, "The answer is larger than a frame may be"), streamID)
    }

    private func write(_ error: SchedulerError, _ streamID: UInt32) {
        if !writeIfFits(error, streamID) {
            // Its text quotes what the client sent, which may fill a frame by itself.
            let short = SchedulerError(
                error.reason, "The error's own message is larger than a frame may be", retryAfter: error.retryAfter)
            let fits = writeIfFits(short, streamID)
            precondition(fits, "a short sentence fits a frame")
        }
        scheduleFlush()
    }

    private func writeIfFits(_ error: SchedulerError, _ streamID: UInt32) -> Bool {
        let envelope = ResponseEnvelope(status: RPCStatus(error))
        return FrameEncoder.write(.response, streamID: streamID, message: envelope, into: &output)
    }

    private func writeGoAway(_ error: SchedulerError) {
        FrameEncoder.write(
            .goaway, streamID: state.lastStreamID, data: RPCStatus(error).encoded(), into: &output)
        scheduleFlush()
    }

    /// Sends what is collected at the end of this tick, unless a read burst ends before.
    private func scheduleFlush() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush(promise: EventLoopPromise<Void>? = nil) {
        isFlushScheduled = false
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard output.readableBytes > 0 || promise != nil else { return }
        let bytes = output
        output = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
        process()
    }
}

// MARK: - The end

extension ConnectionHandler {
    /// Lets the calls in flight end, and the connection with them.
    func drain() {
        guard context != nil, state.isOpen, !state.isDraining else { return }
        state.drain()
        if state.knowsExtensions { writeGoAway(SchedulerError(.draining, "The server is shutting down")) }
        process()
    }

    func closeAtOnce() { context?.close(promise: nil) }

    /// Takes no more from the client, and closes the connection when the calls in flight are answered.
    ///
    /// Their answers may hold tasks, which would be lost with them.
    private func end() {
        guard state.isOpen else { return }
        state.end()
        closeLater(limits.finishing) {
            for streamID in self.calls.keys.sorted() {
                self.answer(
                    streamID, .failure(SchedulerError(.outcomeUnknown, "The connection ended before the call did")))
            }
            // The answers may wait for a client that does not read; the end does not.
            self.finish()
        }
    }

    private func closeLater(_ time: Duration, _ body: @escaping () -> Void) {
        closing?.cancel()
        closing = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time), body)
    }

    /// Sends what is due and ends the connection.
    ///
    /// What the client still sends is read and dropped for a while: closing on unread bytes would reset the connection,
    /// and might cost the client its last answers.
    private func finish() {
        guard !state.isClosing, let context else { return }
        state.close()
        closeLater(limits.flushing) { self.closeAtOnce() }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.closeOutput() }
        flush(promise: sent)
    }

    private func closeOutput() {
        guard let context else { return }
        guard !state.hasInputEnded else { return closeAtOnce() }
        context.close(mode: .output, promise: nil)
        closeLater(limits.lingering) { self.closeAtOnce() }
        context.read()
    }
}
