/// Whatever has figures to show.
public protocol MetricsSource: Sendable {
    /// Adds the figures as they are now; what cannot be known now is left out.
    func show(on page: inout MetricsPage) async
}
