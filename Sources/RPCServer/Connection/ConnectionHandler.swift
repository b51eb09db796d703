import DMSMetrics
import DMSModel
import DMSWire
import Logging
import NIOCore
import Scheduler

/// One client's connection: performs what ``ConnectionState`` decides, and puts the answers into frames.
///
/// Answers are collected and sent once a read burst or once a tick of the loop. What it sends, and how it ends, are in
/// files of their own; what these need is open to the module, and nobody else's.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let connections: LoopConnections
    let counters: RPCServerCounters
    let limits: ConnectionLimits
    let logger: Logger
    var state: ConnectionState
    var calls: [UInt32: OpenCall] = [:]
    var output = ByteBuffer()
    var context: ChannelHandlerContext?
    private var isProcessing = false
    var isFlushScheduled = false
    var hasUnflushed = false
    private var isReadWithheld = false
    private var areWaitsPaused = false
    /// Calls whose answers hold tasks and were sent to a client that sends no more, and may be gone.
    var undelivered: [NextCall] = []
    /// Ends the present stage of the connection's end, unless that comes to its end before.
    var closing: Scheduled<Void>?
    var watch: ConnectionWatch
    var watching: DeadlineQueue.Ticket?
    /// All bytes that were handed to the channel.
    var writtenBytes = 0
    let origin = CallOrigin()

    /// `refusal` is what a connection that is refused is answered with.
    init(
        _ connections: LoopConnections, _ limits: ConnectionLimits, _ counters: RPCServerCounters,
        refusal: SchedulerError?, _ logger: Logger
    ) {
        self.connections = connections
        self.counters = counters
        self.limits = limits
        self.logger = logger
        state = ConnectionState(limits, refusal: refusal)
        watch = ConnectionWatch(limits, at: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connections.add(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        // A client that was accepted just before the listener closed.
        if connections.isDraining { drain() }
        if state.isRefused { closeLater(limits.tellingTime) { self.closeAtOnce() } }
        watching = connections.deadlines.schedule(at: watch.nextLook) { self.look() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        origin.end()
        // Whoever is given up answers, to nobody any more.
        let open = calls
        calls.removeAll()
        for call in open.values {
            count(call, .cancelled)
            if let deadline = call.deadline { connections.deadlines.cancel(deadline) }
            call.control?.abandon()
        }
        for call in undelivered { call.abandon() }
        undelivered.removeAll()
        closing?.cancel()
        if let watching { connections.deadlines.cancel(watching) }
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
        endWaits()
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

    var mayRead: Bool { state.isClosing || state.wantsInput && hasRoomForAnswers }

    /// Does all that the bytes so far ask for and the limits allow.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while hasRoomForAnswers {
            let now = connections.eventLoop.now
            guard let action = state.next(at: now) else {
                if state.isDone { finish() }
                break
            }
            perform(action, at: now)
        }
        if state.hasEnded { finish() }
        isProcessing = false
        pauseOrResumeWaits()
        if isReadWithheld, mayRead {
            isReadWithheld = false
            context?.read()
        }
    }

    private func perform(_ action: ConnectionState.Action, at now: NIODeadline) {
        switch action {
        case .call(let streamID, let data): call(streamID, data, at: now)
        case .refuse(let streamID, let error):
            connections.countRefusal(error)
            write(error, streamID)
        case .abandon(let streamID, let error):
            if !giveUp(streamID, error) { write(error, streamID) }
        case .cancel(let streamID):
            let isOpen = giveUp(streamID, SchedulerError(.cancelled, "The client gave the call up"))
            // Its answer is on its way.
            if !isOpen { counters.countIgnoredFrame() }
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
    private func call(_ streamID: UInt32, _ data: ByteBuffer, at now: NIODeadline) {
        let call = OpenCall(begun: now, bytes: data.readableBytes, operation: connections.router.names.count)
        calls[streamID] = call
        let envelope: RequestEnvelope
        do throws(WireError) {
            envelope = try RequestEnvelope.decode(data)
        } catch {
            return answer(streamID, .init(.failure(error.schedulerError)))
        }
        let destination = connections.router.destination(of: envelope)
        call.operation = destination.number
        guard envelope.timeoutNanoseconds >= 0 else { return deadlinePassed(streamID) }
        if envelope.timeoutNanoseconds > 0 {
            let timeout = TimeAmount.nanoseconds(envelope.timeoutNanoseconds)
            let deadline = now + timeout
            call.deadline = connections.deadlines.schedule(at: deadline) { self.deadlinePassed(streamID) }
        }
        let context = CallContext(
            caller: Caller(envelope), origin: origin, isDraining: connections.isDraining
        ) { self.park(streamID) }
        guard !destination.answersAtLength else { return bulkCall(streamID, destination, envelope, context) }
        call.control = connections.router.call(destination, envelope, context) { self.answer(streamID, $0) }
        // Until it waits, or is answered.
        if let control = call.control, !call.isParked, calls[streamID] === call {
            let share = control.isReplayable ? ConnectionState.BulkShare.whole : .quarter
            call.share = share
            state.beginBulk(share)
        }
        if call.isParked { parked(streamID) }
    }

    /// A call whose answer may be large, and comes from Redis whether anybody waits for it still or not.
    private func bulkCall(
        _ streamID: UInt32, _ destination: MethodRouter.Destination, _ envelope: RequestEnvelope,
        _ context: CallContext
    ) {
        state.beginBulk(.whole)
        _ = connections.router.call(destination, envelope, context) { answer in
            self.state.endBulk(.whole)
            self.answer(streamID, answer, room: self.origin.takeRoom())
            self.process()
        }
    }

    /// A call begins to wait, maybe before it could be told how it is given up.
    private func park(_ streamID: UInt32) {
        guard let call = calls[streamID] else { return }
        call.isParked = true
        if call.control != nil { parked(streamID) }
    }

    private func parked(_ streamID: UInt32) {
        guard let call = calls[streamID] else { return }
        endBulk(call)
        guard state.park(bytes: call.bytes) else {
            call.isParked = false
            let error = SchedulerError(
                .limitWaiters, "At most \(limits.parkedStreamsMax) calls may wait on a connection",
                retryAfter: .seconds(1))
            _ = giveUp(streamID, error)
            return
        }
        call.bytes = 0
        // Nobody is there any more to wait for an answer, as far as can be told.
        if state.hasInputEnded || !state.isOpen { call.control?.endWait() }
        if areWaitsPaused { call.control?.pause() }
        process()
    }

    private func endBulk(_ call: OpenCall) {
        guard let share = call.share else { return }
        call.share = nil
        state.endBulk(share)
    }

    /// A client that does not read what it has gets no more: tasks would pile up here, and wait for it in vain.
    private func pauseOrResumeWaits() {
        guard areWaitsPaused == hasRoomForAnswers else { return }
        areWaitsPaused.toggle()
        for call in Array(calls.values) where call.isParked {
            if areWaitsPaused { call.control?.pause() } else { call.control?.resume() }
        }
    }

    /// Answers the calls that wait with what there is: no connection stays open for them.
    func endWaits() {
        for call in Array(calls.values) where call.isParked { call.control?.endWait() }
    }

    private func deadlinePassed(_ streamID: UInt32) {
        _ = giveUp(streamID, SchedulerError(.deadlineExceeded, "The call's deadline has passed"))
    }

    /// Answers a call with an error of the connection's own, and lets it go on without anybody; false where it is not open.
    func giveUp(_ streamID: UInt32, _ error: SchedulerError) -> Bool {
        guard let call = calls[streamID] else { return false }
        answer(streamID, .init(.failure(error)))
        call.control?.abandon()
        return true
    }

    /// Answers a call, unless it was answered already or its client is gone; a large answer has its room already where it was
    /// read for.
    private func answer(_ streamID: UInt32, _ answer: MethodRouter.Answer, room: AnswerRoom? = nil) {
        if case .failure(let error) = answer.outcome, error.bearsWrongToken { return answerLate(streamID, error) }
        guard let call = calls.removeValue(forKey: streamID) else { return }
        if let deadline = call.deadline { connections.deadlines.cancel(deadline) }
        endBulk(call)
        state.answered(wasParked: call.isParked, bytes: call.bytes)
        switch answer.outcome {
        case .success(let message):
            let fits = write(message, streamID, holder: answer.holder, room: room)
            count(call, fits ? .ok : .resourceExhausted)
        case .failure(let error):
            count(call, error.reason.statusCode)
            write(error, streamID)
        }
        scheduleFlush()
        process()
    }

    /// Counts a call that ended.
    private func count(_ call: OpenCall, _ outcome: StatusCode) {
        let took = call.isParked || call.isHeldBack ? nil : connections.eventLoop.now - call.begun
        connections.requests.count(call.operation, Int(outcome.rawValue), took: took)
    }
}

// MARK: - Wrong tokens

extension ConnectionHandler {
    /// Answers a call that came with a wrong token, which stays open until then; where too many are answered already, the connection
    /// ends, and nothing more of it is looked at.
    private func answerLate(_ streamID: UInt32, _ error: SchedulerError) {
        guard let context, let call = calls[streamID] else { return }
        call.isHeldBack = true
        var error = error
        error.bearsWrongToken = false
        let answer = MethodRouter.Answer(.failure(error))
        switch connections.wrongTokens?.verdict(for: context.remoteAddress) {
        case nil: self.answer(streamID, answer)
        case .answer(let delay): self.answer(streamID, answer, in: delay)
        case .refuse(let delay):
            end()
            self.answer(streamID, .init(.failure(WrongTokens.refusal)), in: delay)
        case .close: closeAtOnce()
        }
    }

    private func answer(_ streamID: UInt32, _ answer: MethodRouter.Answer, in delay: TimeAmount) {
        context?.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.answer(streamID, answer) }
    }
}
