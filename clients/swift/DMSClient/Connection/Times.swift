import NIOCore

extension TimeAmount {
    private static let attosecondsInNanosecond: Int64 = 1_000_000_000
    /// More than anybody waits, and small enough to be added to any moment: 100 years.
    private static let longest = TimeAmount.hours(24 * 365 * 100)

    /// A duration in whole nanoseconds, cut to between none and a hundred years.
    init(clamping duration: Duration) {
        guard duration > .zero else {
            self = .zero
            return
        }
        guard duration < .nanoseconds(TimeAmount.longest.nanoseconds) else {
            self = .longest
            return
        }
        let (seconds, attoseconds) = duration.components
        self = .seconds(seconds) + .nanoseconds(attoseconds / TimeAmount.attosecondsInNanosecond)
    }
}
