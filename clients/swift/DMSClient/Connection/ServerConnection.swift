import DMSModel
import DMSWire
import NIOCore

/// What a connection tells the one who opened it; all on the event loop.
protocol ServerConnectionDelegate: AnyObject {
    /// The first answer has come.
    func connectionProvedUseful(_ connection: ServerConnection)
    /// The call has its answer, or what the server sent in its place is none.
    func connection(_ connection: ServerConnection, finished call: PendingCall, _ outcome: PendingCall.Outcome)
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
    /// Whether any call was answered.
    private(set) var isUseful = false

    init(delegate: any ServerConnectionDelegate, streamIDMax: UInt32) {
        self.delegate = delegate
        streams = StreamTable(idMax: streamIDMax)
    }

    /// Whether no call awaits an answer.
    var isIdle: Bool { streams.isIdle }

    // MARK: Sending

    /// Sends a call; several of one tick leave with one flush.
    func send(_ call: PendingCall, now: NIODeadline) -> Sending {
        guard let context, loss == nil else { return .refused }
        guard let envelope = call.request.envelope(now: now) else {
            return .failed(.deadlineExceeded(outcomeUnknown: false))
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

    /// Gives up a call in flight; what the server answers is dropped.
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
        decoder.append(unwrapInboundIn(data))
        do throws(FrameError) {
            while loss == nil, let event = try decoder.next() {
                switch event {
                case .frame(let frame): receive(frame)
                case .oversized(let header): stop(.violation(ServerConnection.tooLong(header)))
                }
            }
        } catch {
            switch error {
            case .tooLong(let header): stop(.violation(ServerConnection.tooLong(header)))
            }
        }
    }

    private static func tooLong(_ header: FrameHeader) -> String {
        "it announced a frame of \(header.dataLength) bytes, where \(FrameLimits.dataBytesMax) are the most"
    }

    private func receive(_ frame: Frame) {
        switch frame.header.type {
        case .response:
            receiveAnswer(frame)
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
        case .abandoned:
            noteUse()
        case .unknown:
            stop(.violation("it answered on stream \(id), where no call is open"))
        case .call(let call):
            do throws(WireError) {
                let answer = try ResponseEnvelope.decode(frame.data)
                noteUse()
                delegate?.connection(self, finished: call, ServerConnection.outcome(of: answer, to: call))
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
        guard error.statusCode == .deadlineExceeded else { return .failure(.rpc(error)) }
        return .failure(.deadlineExceeded(outcomeUnknown: call.mayChangeUnseen))
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
        delegate?.connection(self, stopped: reason)
        context?.close(promise: nil)
    }
}
