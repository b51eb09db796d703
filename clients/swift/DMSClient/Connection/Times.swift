import DMSModel
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

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

    /// How long it is, by this machine's clock, until a moment that another machine named; cut to a day either way.
    static func untilWallClock(shows moment: Timestamp) -> TimeAmount {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let now = Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
        let day = TimeAmount.hours(24).nanoseconds / 1000
        let (difference, overflows) = moment.microseconds.subtractingReportingOverflow(now.microseconds)
        return .microseconds(overflows ? -day : max(-day, min(day, difference)))
    }
}
