import NIOCore

/// Decides when a client connects; does no I/O.
struct ConnectState {
    /// What is to be done now.
    enum Action: Equatable {
        case nothing
        case connect
        /// Wait, then say ``pauseEnded(isNeeded:)``.
        case pause(until: NIODeadline)
    }

    private enum State {
        case idle
        case pausing
        case connecting
        case connected
        case closed
    }

    private var state = State.idle
    private var backoff: Backoff
    /// Not before this moment may a connection be tried.
    private var earliest = NIODeadline.uptimeNanoseconds(0)

    init(backoff: Backoff) { self.backoff = backoff }

    var isClosed: Bool { state == .closed }

    /// A call waits for a connection.
    mutating func connectionNeeded(now: NIODeadline) -> Action {
        guard state == .idle else { return .nothing }
        if now < earliest {
            state = .pausing
            return .pause(until: earliest)
        }
        state = .connecting
        return .connect
    }

    /// The pause that was asked for is over.
    mutating func pauseEnded(isNeeded: Bool) -> Action {
        guard state == .pausing else { return .nothing }
        state = isNeeded ? .connecting : .idle
        return isNeeded ? .connect : .nothing
    }

    /// There is a connection; false where it is no longer wanted.
    mutating func connected() -> Bool {
        guard state == .connecting else { return false }
        state = .connected
        return true
    }

    /// The attempt failed; the next one takes place only where calls still wait.
    ///
    /// - Parameter pauses: Whether to pause before it; false where there is another server to try.
    mutating func connectFailed(
        isNeeded: Bool, pauses: Bool, now: NIODeadline, using random: inout some RandomNumberGenerator
    ) -> Action {
        guard state == .connecting else { return .nothing }
        state = .idle
        if pauses { earliest = now + backoff.next(using: &random) }
        return isNeeded ? connectionNeeded(now: now) : .nothing
    }

    /// The server has answered: it works, and when it is lost it may be tried again at once.
    mutating func provedUseful() {
        backoff.reset()
        earliest = .uptimeNanoseconds(0)
    }

    /// The connection takes no more calls.
    ///
    /// One that was closed before it answered anything counts as an attempt that failed.
    mutating func disconnected(
        wasUseful: Bool, now: NIODeadline, using random: inout some RandomNumberGenerator
    ) {
        guard state == .connected else { return }
        state = .idle
        if !wasUseful { earliest = now + backoff.next(using: &random) }
    }

    /// No more connections.
    mutating func close() { state = .closed }
}
