/// A figure that is shown, by its name in Prometheus.
public struct Metric: Sendable {
    /// What a figure's values mean over time.
    public enum Kind: String, Sendable {
        /// Only rises, from 0 at the start of what it belongs to.
        case counter
        /// Rises and falls.
        case gauge
        /// Counts by upper bound, with their sum.
        case histogram
    }

    /// The name, with its unit and, of a counter, `_total` at its end.
    public let name: String
    /// What the values mean over time.
    public let kind: Kind
    /// A sentence for people, on one line.
    public let help: String

    /// A figure of that name.
    public init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}
