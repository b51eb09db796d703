internal import NIOCore

/// Decides when a link connects, is ready, waits and ends; ``RedisConnection`` does what it says.
struct LinkState {
    private enum State {
        case idle
        case connecting(attempt: Int)
        case shakingHands
        case ready(since: NIODeadline)
        /// Takes no commands any more; goes when those in flight are answered.
        case draining(since: NIODeadline, reason: String)
        case waiting
        case stopped
    }

    /// What follows from a lost connection, or from an attempt that came to nothing.
    struct Loss: Equatable {
        let retryAfter: Duration
        /// Whether this is news: the link was up, or did not come up at first.
        let isNews: Bool
    }

    /// First attempts that may fail without being news: a server that is just starting needs a moment.
    static let quietAttempts = 5

    private let backoffMin: Duration
    private let backoffMax: Duration
    private var state = State.idle
    private var attempts = 0
    private var attemptsInARow = 0
    /// What the log said last; nil where it said nothing yet.
    private var wasAnnouncedUp: Bool?

    init(backoffMin: Duration, backoffMax: Duration) {
        self.backoffMin = backoffMin
        self.backoffMax = max(backoffMin, backoffMax)
    }

    var isReady: Bool {
        if case .ready = state { return true }
        return false
    }

    var isStopped: Bool {
        if case .stopped = state { return true }
        return false
    }

    /// Why the connection goes as soon as nothing is in flight; nil where it stays.
    var drainReason: String? {
        if case .draining(_, let reason) = state { return reason }
        return nil
    }

    /// Begins an attempt, for the first time or after the back-off; nil where there is none to begin.
    mutating func beginAttempt() -> Int? {
        switch state {
        case .idle, .waiting:
            attempts += 1
            attemptsInARow += 1
            state = .connecting(attempt: attempts)
            return attempts
        case .connecting, .shakingHands, .ready, .draining, .stopped:
            return nil
        }
    }

    /// An attempt has its channel; false where nobody wants it any more.
    mutating func connected(attempt: Int) -> Bool {
        guard isConnecting(attempt: attempt) else { return false }
        state = .shakingHands
        return true
    }

    /// Whether this attempt is the current one and has no channel yet.
    func isConnecting(attempt: Int) -> Bool {
        if case .connecting(attempt) = state { return true }
        return false
    }

    /// The handshake is done; answers whether that is news.
    mutating func becameReady(now: NIODeadline) -> Bool {
        guard case .shakingHands = state else { preconditionFailure("a handshake ended on a link that made none") }
        state = .ready(since: now)
        defer { wasAnnouncedUp = true }
        return wasAnnouncedUp != true
    }

    /// The server cannot serve: no further commands, and away when the last answer has come.
    mutating func drain(_ reason: String) {
        if case .ready(let since) = state { state = .draining(since: since, reason: reason) }
    }

    /// The connection fell, or the attempt failed; nil where there was none.
    ///
    /// `jitter` is from 0 to 1: the part by which the waiting time is shortened, at most to its half.
    mutating func lost(now: NIODeadline, jitter: Double) -> Loss? {
        switch state {
        case .ready(let since), .draining(let since, _):
            // A connection that stood for a while starts the back-off anew; one that falls at once does not.
            if now - since >= TimeAmount(backoffMax) { attemptsInARow = 0 }
        case .connecting, .shakingHands:
            break
        case .idle, .waiting, .stopped:
            return nil
        }
        state = .waiting
        let isNews = wasAnnouncedUp ?? (attempts > LinkState.quietAttempts)
        if isNews { wasAnnouncedUp = false }
        return Loss(retryAfter: backoff(jitter: jitter), isNews: isNews)
    }

    /// Something changed that makes the next attempt worth more than those before: the back-off starts anew.
    mutating func hurry() { attemptsInARow = 0 }

    /// Ends for good.
    mutating func stop() { state = .stopped }

    private func backoff(jitter: Double) -> Duration {
        var delay = backoffMin
        for _ in 0..<max(0, attemptsInARow - 1) where delay < backoffMax { delay *= 2 }
        return min(delay, backoffMax) * (1 - jitter / 2)
    }
}
