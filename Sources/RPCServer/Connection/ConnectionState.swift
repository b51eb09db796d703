import DMSModel
import DMSWire
import NIOCore
import Scheduler

/// What a connection's bytes ask for, and when the connection is done: the rules of frames and streams, without I/O.
struct ConnectionState {
    /// What is to be done next.
    enum Action: Equatable {
        /// Answer the call that the data holds; its stream is open until then.
        case call(streamID: UInt32, data: ByteBuffer)
        /// Answer with an error.
        case refuse(streamID: UInt32, SchedulerError)
        /// Answer a stream, open or not, with an error, and forget its call.
        case abandon(streamID: UInt32, SchedulerError)
        /// Answer with an error, then close.
        case refuseAndClose(streamID: UInt32, SchedulerError)
        /// Give the stream's call up, if it is open still.
        case cancel(streamID: UInt32)
        /// Send the bytes back.
        case pong(ByteBuffer)
        /// Say goodbye with the error, then close.
        case goAwayAndClose(SchedulerError)
        /// Count a frame that means nothing to us.
        case ignore
        /// The input ended inside a frame: close at once.
        case closeAtOnce
    }

    private enum Phase {
        case open
        /// The server is about to close: no more is read, and the calls in flight are answered still.
        case ending
        /// The server closes: what still comes in is dropped.
        case closing
    }

    private let limits: ConnectionLimits
    private var phase = Phase.open
    private var decoder = FrameDecoder()
    private var ids = StreamIDSequence()
    private var pings: PingLimiter
    private var rate: RequestRate?
    /// What the connection's first call is answered with, where the connection is refused.
    private let refusal: SchedulerError?
    private var openStreams = 0
    private var bulkShares = 0
    private var openBytes = 0
    private var parkedStreams = 0
    private(set) var hasInputEnded = false
    private(set) var isDraining = false
    /// Whether the client sent an extension frame, so that it understands ours.
    private(set) var knowsExtensions = false
    /// Whole frames that came, whatever was in them.
    private(set) var frames = 0

    init(_ limits: ConnectionLimits, refusal: SchedulerError? = nil) {
        self.limits = limits
        self.refusal = refusal
        pings = PingLimiter(limits)
        rate = RequestRate(perSecondMax: limits.requestsPerSecondMax)
    }

    var isRefused: Bool { refusal != nil }

    /// Whether the last bytes that came are a frame's beginning.
    var isMidFrame: Bool { !decoder.isBetweenFrames }

    var hasCalls: Bool { openStreams + parkedStreams > 0 }

    /// The last stream that the client opened.
    var lastStreamID: UInt32 { ids.last }

    var isOpen: Bool { phase == .open }

    var isClosing: Bool { phase == .closing }

    /// Whether more may be read: while calls are few enough, and to see the end of what is being closed.
    var wantsInput: Bool {
        switch phase {
        case .open: mayOpen
        case .ending: false
        case .closing: true
        }
    }

    private var mayOpen: Bool {
        openStreams < limits.openStreamsMax && bulkShares < limits.bulkStreamsMax * BulkShare.whole.rawValue
            && openBytes < limits.openRequestBytesMax
    }

    mutating func received(_ bytes: ByteBuffer) {
        guard isOpen else { return }
        decoder.append(bytes)
    }

    /// The client sends no more; what it asked for is answered still.
    mutating func inputEnded() { hasInputEnded = true }

    mutating func drain() { isDraining = true }

    /// The server takes no more from the connection, and closes it when what is in flight is answered.
    mutating func end() {
        guard isOpen else { return }
        phase = .ending
        decoder = FrameDecoder()
    }

    /// The server closes the connection.
    mutating func close() {
        phase = .closing
        decoder = FrameDecoder()
    }

    /// An open stream begins to wait for a task, and is counted apart, as is its request; false where as many wait as may.
    mutating func park(bytes: Int) -> Bool {
        precondition(openStreams > 0, "what waits is an open stream")
        guard parkedStreams < limits.parkedStreamsMax else { return false }
        openBytes -= bytes
        openStreams -= 1
        parkedStreams += 1
        return true
    }

    /// How much a call takes of what a connection may have in flight of those whose answers hold tasks.
    enum BulkShare: Int {
        /// A `Next`: what it answers with was in the queues, and comes once.
        case quarter = 1
        /// Any other, and a `Next` that may be a repetition: it can be repeated at no cost.
        case whole = 4
    }

    /// An open stream's answer may be of any size: only so many are asked for at once.
    mutating func beginBulk(_ share: BulkShare) { bulkShares += share.rawValue }

    /// The answer came, whether anybody waits for it still or not.
    mutating func endBulk(_ share: BulkShare) {
        bulkShares -= share.rawValue
        precondition(bulkShares >= 0, "what ends has begun")
    }

    /// An open stream, parked or not, got its answer; its request had so many bytes.
    mutating func answered(wasParked: Bool, bytes: Int) {
        precondition((wasParked ? parkedStreams : openStreams) > 0, "an answer belongs to an open stream")
        openBytes -= bytes
        if wasParked { parkedStreams -= 1 } else { openStreams -= 1 }
    }

    /// The next thing to do; nil where more bytes are needed, or fewer open streams.
    mutating func next(at now: NIODeadline) -> Action? {
        guard phase == .open, mayOpen else { return nil }
        do throws(FrameError) {
            switch try decoder.next() {
            case .frame(let frame):
                frames += 1
                return action(for: frame, at: now)
            case .oversized(let header):
                frames += 1
                return action(forOversized: header)
            case nil: return hasInputEnded && !decoder.isBetweenFrames ? .closeAtOnce : nil
            }
        } catch {
            switch error {
            case .tooLong(let header):
                return .refuseAndClose(streamID: header.streamID, ConnectionState.tooLarge(header))
            }
        }
    }

    /// Whether nothing is left to be done: no call in flight, and none to come.
    ///
    /// Asked when ``next(at:)`` has no more to say.
    var isDone: Bool { phase == .open && openStreams + parkedStreams == 0 && (hasInputEnded || isDraining) }

    /// Whether the server ends the connection and the last call in flight is answered.
    var hasEnded: Bool { phase == .ending && openStreams + parkedStreams == 0 }

    private mutating func action(for frame: Frame, at now: NIODeadline) -> Action {
        let header = frame.header
        switch header.type {
        case .request:
            if let refusal = open(header) { return refusal }
            guard !header.flags.contains(.remoteOpen) else {
                return .refuse(streamID: header.streamID, ConnectionState.streaming)
            }
            if let refusal { return .refuseAndClose(streamID: header.streamID, refusal) }
            if let wait = rate?.take(at: now) { return .refuse(streamID: header.streamID, tooMany(wait)) }
            openStreams += 1
            openBytes += frame.data.readableBytes
            return .call(streamID: header.streamID, data: frame.data)
        case .data:
            return refuseData(header, ConnectionState.streaming)
        case .ping:
            return ping(frame, at: now)
        case .cancel:
            knowsExtensions = true
            return .cancel(streamID: header.streamID)
        case .pong, .goaway:
            // Nothing of ours is pinged, and we open no streams.
            knowsExtensions = true
            return .ignore
        default:
            return .ignore
        }
    }

    private mutating func action(forOversized header: FrameHeader) -> Action {
        switch header.type {
        case .request:
            return open(header) ?? .refuse(streamID: header.streamID, ConnectionState.tooLarge(header))
        case .data:
            return refuseData(header, ConnectionState.tooLarge(header))
        default:
            return .ignore
        }
    }

    /// Uses the request's stream id up; the refusal where it breaks the rules.
    private mutating func open(_ header: FrameHeader) -> Action? {
        guard !ids.accept(header.streamID) else { return nil }
        return badID(header)
    }

    /// Refuses data on its stream; on an id that no stream may have it ends the connection, as a request does.
    private mutating func refuseData(_ header: FrameHeader, _ error: SchedulerError) -> Action {
        guard header.streamID % 2 == 1 else { return badID(header) }
        // A refused frame uses up its id; that of a stream which was opened before is used up already.
        _ = ids.accept(header.streamID)
        return .abandon(streamID: header.streamID, error)
    }

    private func badID(_ header: FrameHeader) -> Action {
        let error = SchedulerError(
            .malformed,
            "Stream ids are odd and rise on a connection; \(header.streamID) came after \(ids.last)")
        return .refuseAndClose(streamID: header.streamID, error)
    }

    private mutating func ping(_ frame: Frame, at now: NIODeadline) -> Action {
        knowsExtensions = true
        guard pings.accept(at: now) else {
            return .goAwayAndClose(
                SchedulerError(
                    .limitRate, "More than \(limits.pingsPerSecondMax) pings a second for too long"))
        }
        guard frame.header.streamID == 0, frame.data.readableBytes <= limits.pingBytesMax else { return .ignore }
        return .pong(frame.data)
    }

    private func tooMany(_ wait: Duration) -> SchedulerError {
        SchedulerError(
            .limitRate, "A connection may make \(limits.requestsPerSecondMax) calls a second", retryAfter: wait)
    }

    private static let streaming = SchedulerError(.malformed, "No method takes a stream from the client")

    private static func tooLarge(_ header: FrameHeader) -> SchedulerError {
        SchedulerError(
            .limitFrame,
            "The frame has \(header.dataLength) bytes of data; at most \(FrameLimits.dataBytesMax) are taken")
    }
}
