import NIOCore

/// Whether a client takes what is sent to it, as long as more is waiting than the channel likes; without I/O.
struct UnreadWatch {
    private let time: TimeAmount
    private var unsentBytes: Int
    private var since: NIODeadline
    /// When to look next.
    private(set) var nextLook: NIODeadline

    /// The watch of a channel that has become full.
    init(time: Duration, unsentBytes: Int, at now: NIODeadline) {
        self.time = TimeAmount(time)
        self.unsentBytes = unsentBytes
        since = now
        nextLook = now + TimeAmount(time / 2)
    }

    /// Whether nothing was taken for too long; a channel that is full gets nothing more meanwhile, so bytes only go.
    mutating func isOver(unsentBytes: Int, at now: NIODeadline) -> Bool {
        if unsentBytes < self.unsentBytes { since = now }
        self.unsentBytes = unsentBytes
        nextLook = min(since + time, now + .nanoseconds(time.nanoseconds / 2))
        return now >= since + time
    }
}
