import DMSModel
import Glibc

/// The wall clock that record times come from; tests put another function in.
struct SystemClock: Sendable {
    var now: @Sendable () -> Timestamp = {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
