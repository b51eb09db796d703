public import NIOCore

/// Whether a connection asks for too much a second: a bucket with a token for each request of one second, which refills evenly.
///
/// It keeps one number: when the bucket would be full again.
public struct RequestRate: Sendable {
    private let interval: TimeAmount
    private let capacity: TimeAmount
    private var fullAt = NIODeadline.uptimeNanoseconds(0)

    /// A full bucket; nil where there is no limit, which 0 says.
    public init?(perSecondMax: Int) {
        guard perSecondMax > 0 else { return nil }
        interval = .nanoseconds(max(1, 1_000_000_000 / Int64(perSecondMax)))
        capacity = interval * perSecondMax
    }

    /// Takes a token, or says how long it is until there is one.
    public mutating func take(at now: NIODeadline) -> Duration? {
        let filled = max(fullAt, now) + interval
        let excess = filled - now - capacity
        guard excess <= .zero else { return .nanoseconds(excess.nanoseconds) }
        fullAt = filled
        return nil
    }
}
