import NIOCore

/// Decides when a quiet server is asked whether it is still there; does no I/O.
struct KeepAlive {
    /// What is to be done now.
    enum Action: Equatable {
        /// Ask again at that moment.
        case wait(until: NIODeadline)
        case ping
        /// The server has not said anything since it was asked.
        case lost
    }

    /// How long a server may be quiet before it is asked.
    let interval: TimeAmount
    /// How long it then has to say anything at all.
    let timeout: TimeAmount

    private var lastHeard: NIODeadline
    private var askedAt: NIODeadline?

    init(interval: TimeAmount, timeout: TimeAmount, now: NIODeadline) {
        self.interval = interval
        self.timeout = timeout
        lastHeard = now
    }

    /// A byte came.
    mutating func heard(now: NIODeadline) {
        lastHeard = now
        askedAt = nil
    }

    /// A ping was sent.
    mutating func asked(now: NIODeadline) {
        if askedAt == nil { askedAt = now }
    }

    func action(now: NIODeadline) -> Action {
        if let askedAt {
            let end = askedAt + timeout
            // Looks again after an interval at most: by then the answer may have come, and the next ping be due.
            return now < end ? .wait(until: min(end, now + interval)) : .lost
        }
        let next = lastHeard + interval
        return now < next ? .wait(until: next) : .ping
    }
}
