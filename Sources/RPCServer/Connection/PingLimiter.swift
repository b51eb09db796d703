import NIOCore

/// Tells a client that pings now and then from one that floods.
struct PingLimiter {
    private let perSecondMax: Int
    private let secondsMax: Int
    private var second: Int64?
    private var pings = 0
    /// How many seconds in a row had too many, the present one not counted.
    private var floodedSeconds = 0

    init(_ limits: ConnectionLimits) {
        perSecondMax = limits.pingsPerSecondMax
        secondsMax = limits.pingSecondsMax
    }

    /// Counts a ping; false once too many came for too long.
    mutating func accept(at now: NIODeadline) -> Bool {
        let current = Int64(now.uptimeNanoseconds / 1_000_000_000)
        if current != second {
            let isNext = second.map { $0 + 1 == current } ?? false
            floodedSeconds = isNext && pings > perSecondMax ? floodedSeconds + 1 : 0
            second = current
            pings = 0
        }
        pings += 1
        return pings <= perSecondMax || floodedSeconds + 1 < secondsMax
    }
}
