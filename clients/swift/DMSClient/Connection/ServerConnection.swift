import DMSModel
import DMSWire
import NIOCore

/// What a connection tells the one who opened it; all on the event loop.
protocol ServerConnectionDelegate: AnyObject {
    /// The first frame has come that only a scheduler sends.
    func connectionAnswered(_ connection: ServerConnection)
    /// The first answer has come that was of use.
    func connectionProvedUseful(_ connection: ServerConnection)
    /// The call has its answer, or what the server sent in its place is none.
    func connection(_ connection: ServerConnection, finished call: PendingCall, _ outcome: PendingCall.Outcome)
    /// The server is about to go: the connection takes no more calls, and these were not even looked at.
    func connection(_ connection: ServerConnection, goesAwayWithout calls: [PendingCall], cause: String)
    /// The connection takes no more calls; said once, before it ends.
    func connection(_ connection: ServerConnection, stopped loss: ConnectionLoss)
    /// The connection is gone, and with it the answers to these calls.
    func connection(_ connection: ServerConnection, ended loss: ConnectionLoss, losing calls: [PendingCall])
}

/// One connection to a server: puts calls into frames, and finds the calls that answers belong to.
final class ServerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Answers outstanding to calls that were given up; a server of ours reads no further with so many streams open.
    static let abandonedCallsMax = 1024
    /// What an envelope takes beside payload and metadata, roughly: saves the buffer from growing.
    private static let envelopeBytesGuess = 128

    /// What became of a call that was to be sent.
    enum Sending {
        case sent
        /// The connection takes no calls.
        case refused
        /// The call can be sent on no connection.
        case failed(DMSClientError)
    }

    private weak var delegate: (any ServerConnectionDelegate)?
    private var streams: StreamTable<PendingCall>
    private var decoder = FrameDecoder()
    private var context: ChannelHandlerContext?
    private var loss: ConnectionLoss?
    private var isFlushScheduled = false
    /// Whether the server said that it takes no more calls.
    private var isGoingAway = false
    private var pinger: Pinger?
    /// Whether it is a scheduler that is there.
    private(set) var hasAnswered = false
    /// Whether any call was answered.
    private(set) var isUseful = false

    init(delegate: any ServerConnectionDelegate, streamIDMax: UInt32) {
        self.delegate = delegate
        streams = StreamTable(idMax: streamIDMax)
    }

    /// Says to the server that we understand what goes beyond plain ttrpc, and begins to watch that it is there.
    func open(keepAlive: KeepAlive?) {
        guard let context, loss == nil else { return }
        let pinger = Pinger(eventLoop: context.eventLoop, keepAlive: keepAlive) { [weak self] in
            self?.write(.ping, streamID: 0, data: $0)
        } lost: { [weak self] in
            self?.stop(.stuck("it has said nothing for too long"))
        }
        self.pinger = pinger
        pinger.start()
    }

    /// Whether no call awaits an answer.
    var isIdle: Bool { streams.isIdle }

    // MARK: Sending

    /// Sends a call; several of one tick leave with one flush.
    func send(_ call: PendingCall, now: NIODeadline) -> Sending {
        guard let context, loss == nil, !isGoingAway else { return .refused }
        guard let envelope = call.request.envelope(now: now) else {
            return .failed(.deadlineExceeded(outcomeUnknown: call.mayHaveChangedBefore))
        }
        guard let id = streams.reserveID() else { return .refused }
        var buffer = context.channel.allocator.buffer(
            capacity: FrameHeader.byteCount + envelope.payload.readableBytes + ServerConnection.envelopeBytesGuess)
        guard FrameEncoder.write(.request, streamID: id, message: envelope, into: &buffer) else {
            return .failed(.requestTooLarge)
        }
        streams.open(call, id: id)
        call.place = .inFlight(self, streamID: id)
        call.isSent = false
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { call.isSent = true }
        context.write(wrapOutboundOut(buffer), promise: written)
        scheduleFlush(context)
        return .sent
    }

    private func scheduleFlush(_ context: ChannelHandlerContext) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            isFlushScheduled = false
            self.context?.flush()
        }
    }

    private func write(_ type: FrameType, streamID: UInt32, data: ByteBuffer = ByteBuffer()) {
        guard let context, loss == nil else { return }
        var buffer = context.channel.allocator.buffer(capacity: FrameHeader.byteCount + data.readableBytes)
        FrameEncoder.write(type, streamID: streamID, data: data, into: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
        scheduleFlush(context)
    }

    /// Tells the server that nobody waits for a call's answer any more, unless it is under way.
    func sendCancel(_ id: UInt32) { write(.cancel, streamID: id) }

    /// Gives up a call in flight, of which the server knows already.
    func abandon(_ id: UInt32) {
        streams.abandon(id)
        if streams.abandonedCount > ServerConnection.abandonedCallsMax {
            stop(.stuck("the server left \(streams.abandonedCount) calls unanswered"))
        }
    }

    /// Closes the connection; calls in flight are reported when it has ended.
    func close() { stop(.closedByServer("it was closed")) }

    // MARK: Receiving

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard loss == nil else { return }
        pinger?.heard()
        decoder.append(unwrapInboundIn(data))
        do throws(FrameError) {
            while loss == nil, let event = try decoder.next() {
                switch event {
                case .frame(let frame): receive(frame)
                case .oversized(let header): stop(.violation(StrangerText.describe(header)))
                }
            }
        } catch {
            switch error {
            case .tooLong(let header): stop(.violation(StrangerText.describe(header)))
            }
        }
    }

    private func receive(_ frame: Frame) {
        switch frame.header.type {
        case .response:
            receiveAnswer(frame)
        case .goaway:
            noteAnswer()
            goAway(frame)
        case .pong:
            noteAnswer()
        case .request, .data:
            stop(.violation("it sent a frame of type \(frame.header.type.rawValue), which only clients send"))
        default:
            // Frames of a type that we do not know are ignored, so that the protocol can grow.
            break
        }
    }

    private func receiveAnswer(_ frame: Frame) {
        let id = frame.header.streamID
        switch streams.take(id) {
        case .abandoned(let call):
            noteAnswer()
            noteUse()
            guard let whenLate = call.request.whenLate else { return }
            if let answer = try? ResponseEnvelope.decode(frame.data), answer.error == nil { whenLate(answer.payload) }
        case .unknown:
            stop(.violation("it answered on stream \(id), where no call is open"))
        case .call(let call):
            do throws(WireError) {
                let outcome = ServerConnection.outcome(of: try ResponseEnvelope.decode(frame.data), to: call)
                noteAnswer()
                if !outcome.isOfNoUse { noteUse() }
                delegate?.connection(self, finished: call, outcome)
            } catch {
                let violation = "its answer on stream \(id) is none (\(error.schedulerError.message))"
                let unknown = call.mayChangeUnseen
                delegate?.connection(
                    self, finished: call, .failure(.protocolViolation(violation, outcomeUnknown: unknown)))
                stop(.violation(violation))
            }
        }
    }

    /// A deadline that the server saw pass first is the same to the caller as one that we saw.
    private static func outcome(of answer: ResponseEnvelope, to call: PendingCall) -> PendingCall.Outcome {
        guard let error = answer.error else { return .success(answer.payload) }
        switch error.statusCode {
        case .deadlineExceeded: return .failure(.deadlineExceeded(outcomeUnknown: call.mayChangeUnseen))
        // Of a call whose last word is waited for, this word is that nothing was taken, this time.
        case .cancelled where call.isGivenUp, .unavailable where call.isGivenUp:
            return .failure(.cancelled(outcomeUnknown: call.mayHaveChangedBefore))
        default: return .failure(.rpc(error))
        }
    }

    private func goAway(_ frame: Frame) {
        guard !isGoingAway else { return }
        isGoingAway = true
        let status = try? RPCStatus.decode(frame.data)
        let cause = status.map { RPCError($0).description } ?? "it did not say why"
        delegate?.connection(
            self, goesAwayWithout: streams.takeAll(above: frame.header.streamID), cause: "the server goes: \(cause)")
    }

    private func noteAnswer() {
        guard !hasAnswered else { return }
        hasAnswered = true
        delegate?.connectionAnswered(self)
    }

    private func noteUse() {
        guard !isUseful else { return }
        isUseful = true
        delegate?.connectionProvedUseful(self)
    }

    // MARK: Ending

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        stop(.failed(FailureText.describe(error)))
    }

    func channelInactive(context: ChannelHandlerContext) {
        channelWasClosed()
        context.fireChannelInactive()
    }

    /// Reports what is lost: the channel is closed, and every write decided, those that did not reach the kernel as failed.
    func channelWasClosed() {
        stop(.closedByServer(decoder.isBetweenFrames ? "the server closed it" : "the server closed it within a frame"))
        if let loss { delegate?.connection(self, ended: loss, losing: streams.takeAll()) }
    }

    /// Takes no more calls and no more answers; the first reason is the one that counts.
    private func stop(_ reason: ConnectionLoss) {
        guard loss == nil else { return }
        loss = reason
        pinger?.stop()
        delegate?.connection(self, stopped: reason)
        context?.close(promise: nil)
    }
}
