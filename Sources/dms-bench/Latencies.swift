import Histogram

/// Latencies of one round.
struct Latencies {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)

    mutating func add(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        add(nanoseconds: UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000)
    }

    mutating func add(nanoseconds: UInt64) { _ = histogram.record(nanoseconds) }

    /// In microseconds.
    func percentile(_ value: Double) -> Double { Double(histogram.valueAtPercentile(value)) / 1000 }
}

extension [Double] {
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }

    /// `median [least … most]` in microseconds.
    var summary: String {
        "\(median.rounded()) µs [\((self.min() ?? 0).rounded()) … \((self.max() ?? 0).rounded())]"
    }
}
