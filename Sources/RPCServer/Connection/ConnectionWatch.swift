import DMSModel
import NIOCore

/// When a connection has been silent, or deaf, for too long: the rules of time, without I/O.
///
/// It is shown the connection now and then, and nothing is noted in between: a connection that is used costs no look at the
/// clock. So a time is over between its length and half as much again.
struct ConnectionWatch {
    /// A connection at one time.
    struct Sight {
        /// Whole frames that came since the beginning.
        var frames = 0
        /// Whether the last bytes that came are a frame's beginning.
        var isMidFrame = false
        /// Whether more is read from the client, so that what does not come is the client's fault.
        var isReading = true
        /// Whether a call has no answer yet.
        var hasCalls = false
        /// Bytes that the client's kernel took since the beginning.
        var sentBytes = 0
        /// Bytes that it did not take yet.
        var unsentBytes = 0
    }

    /// What is to be done.
    enum Verdict: Equatable {
        case goOn
        /// No whole frame came yet.
        case closeUnused
        /// A frame was begun, and its rest does not come.
        case closeStalled
        /// The client takes nothing of what is sent.
        case closeUnread
        /// Nothing was asked for in a long time.
        case retire
    }

    private let limits: ConnectionLimits
    private let pause: TimeAmount
    private var frames = 0
    private var sentBytes = 0
    private var stalledSince: NIODeadline?
    private var unreadSince: NIODeadline?
    private var idleSince: NIODeadline
    private let start: NIODeadline
    /// When to look next.
    private(set) var nextLook: NIODeadline

    /// The watch of a connection that begins.
    init(_ limits: ConnectionLimits, at now: NIODeadline) {
        self.limits = limits
        let shortest = min(limits.requestTime, limits.unreadTime, limits.idleTime ?? limits.unreadTime)
        pause = TimeAmount(shortest / 2)
        start = now
        idleSince = now
        nextLook = now + min(pause, TimeAmount(limits.firstRequestTime))
    }

    /// Judges what the connection looks like.
    mutating func look(at sight: Sight, _ now: NIODeadline) -> Verdict {
        let hasNewFrames = sight.frames != frames
        frames = sight.frames
        nextLook = now + pause
        if frames == 0 {
            let firstDeadline = start + TimeAmount(limits.firstRequestTime)
            nextLook = min(nextLook, firstDeadline)
            return now >= firstDeadline ? .closeUnused : .goOn
        }
        if hasPassed(limits.unreadTime, since: noteUnread(sight, now), now) { return .closeUnread }
        if hasPassed(limits.requestTime, since: noteStalled(sight, hasNewFrames, now), now) { return .closeStalled }
        if hasNewFrames || sight.hasCalls || sight.unsentBytes > 0 { idleSince = now }
        if let idleTime = limits.idleTime, hasPassed(idleTime, since: idleSince, now) { return .retire }
        return .goOn
    }

    private func hasPassed(_ time: Duration, since start: NIODeadline?, _ now: NIODeadline) -> Bool {
        start.map { now - $0 >= TimeAmount(time) } ?? false
    }

    private mutating func noteUnread(_ sight: Sight, _ now: NIODeadline) -> NIODeadline? {
        if sight.unsentBytes == 0 {
            unreadSince = nil
        } else if unreadSince == nil || sight.sentBytes > sentBytes {
            unreadSince = now
        }
        sentBytes = max(sentBytes, sight.sentBytes)
        return unreadSince
    }

    private mutating func noteStalled(_ sight: Sight, _ hasNewFrames: Bool, _ now: NIODeadline) -> NIODeadline? {
        let isStalled = sight.isMidFrame && sight.isReading
        stalledSince = isStalled ? (hasNewFrames ? now : stalledSince ?? now) : nil
        return stalledSince
    }
}
