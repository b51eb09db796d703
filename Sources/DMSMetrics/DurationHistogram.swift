public import NIOCore

/// How long things took: counts by upper bound, and the sum.
public struct DurationHistogram: Sendable {
    /// Upper bounds, inclusive and rising: from a call that Redis answers at once to one that waited for a time-out.
    public static let bounds: InlineArray<16, TimeAmount> = [
        .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1), .microseconds(2_500),
        .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100),
        .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2_500), .seconds(5), .seconds(10),
    ]

    /// How many took at most as long as a bound says, and longer than the one before it.
    public private(set) var counts = [Int](repeating: 0, count: DurationHistogram.bounds.count)
    /// How many there were, those above all bounds too.
    public private(set) var count = 0
    /// How long all of them took, in seconds.
    public private(set) var sum = 0.0

    /// None so far.
    public init() {}

    /// Counts one.
    public mutating func add(_ duration: TimeAmount) {
        count += 1
        sum += duration.seconds
        // Nearly all are short: the search ends early.
        var place = 0
        while place < counts.count, duration > DurationHistogram.bounds[place] { place += 1 }
        if place < counts.count { counts[place] += 1 }
    }

    /// Counts those of another one too.
    public mutating func add(_ other: DurationHistogram) {
        count += other.count
        sum += other.sum
        for place in counts.indices { counts[place] += other.counts[place] }
    }
}

extension TimeAmount {
    /// Seconds, the unit of Prometheus.
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
