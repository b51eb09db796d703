public import NIOCore

/// Figures in Prometheus's text format, version 0.0.4; the samples of one name stand together, whoever adds them.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
public struct MetricsPage: Sendable {
    /// What the text is, as the header `Content-Type` says it.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Names and values of labels; the values come from closed sets of our own, and need no escapes.
    public typealias Labels = KeyValuePairs<String, String>

    private struct Family {
        var metric: Metric
        var samples = ByteBuffer()
    }

    private var families: [Family] = []
    private var places: [String: Int] = [:]

    /// A page without figures.
    public init() {}

    /// Adds a value to those of its name.
    public mutating func add(_ metric: Metric, _ value: some BinaryInteger, _ labels: Labels = [:]) {
        write(metric, "", labels, "\(value)")
    }

    /// Adds a value to those of its name.
    public mutating func add(_ metric: Metric, _ value: Double, _ labels: Labels = [:]) {
        write(metric, "", labels, "\(value)")
    }

    /// Adds a distribution to those of its name.
    public mutating func add(_ metric: Metric, _ durations: DurationHistogram, _ labels: Labels = [:]) {
        var atMost = 0
        for (place, count) in durations.counts.enumerated() {
            atMost += count
            write(metric, "_bucket", labels, "\(atMost)", bound: "\(DurationHistogram.bounds[place].seconds)")
        }
        write(metric, "_bucket", labels, "\(durations.count)", bound: "+Inf")
        write(metric, "_sum", labels, "\(durations.sum)")
        write(metric, "_count", labels, "\(durations.count)")
    }

    /// The page as it is sent.
    public var text: ByteBuffer {
        var text = ByteBuffer()
        for family in families {
            let metric = family.metric
            text.writeString("# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n")
            text.writeImmutableBuffer(family.samples)
        }
        return text
    }

    private mutating func write(
        _ metric: Metric, _ suffix: String, _ labels: Labels, _ value: String, bound: String? = nil
    ) {
        var pairs = labels.map { "\($0.key)=\"\($0.value)\"" }
        if let bound { pairs.append("le=\"\(bound)\"") }
        let braced = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
        families[place(of: metric)].samples.writeString("\(metric.name)\(suffix)\(braced) \(value)\n")
    }

    private mutating func place(of metric: Metric) -> Int {
        if let place = places[metric.name] { return place }
        families.append(Family(metric: metric))
        places[metric.name] = families.count - 1
        return families.count - 1
    }
}
