import NIOCore

/// The pauses between attempts to connect: each about twice as long as the one before, up to a limit.
///
/// A pause is drawn from the upper half of its range, so that clients that lost one server do not all come back at once.
struct Backoff: Sendable {
    static let pauseMin = TimeAmount.milliseconds(20)
    static let pauseMax = TimeAmount.seconds(2)

    private var range = Backoff.pauseMin

    /// The next pause, in nanoseconds between half the range and all of it.
    mutating func next(using random: inout some RandomNumberGenerator) -> TimeAmount {
        let nanoseconds = range.nanoseconds
        range = min(.nanoseconds(nanoseconds * 2), Backoff.pauseMax)
        return .nanoseconds(Int64.random(in: nanoseconds / 2...nanoseconds, using: &random))
    }

    /// Begins anew, once a server has shown that it works.
    mutating func reset() { range = Backoff.pauseMin }
}
