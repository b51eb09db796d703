public import DMSMetrics

extension ConnectionGate {
    private static let open = Metric(
        "dms_connections", .gauge, "Connections that are open and served, by door.")
    private static let refused = Metric(
        "dms_connections_refused_total", .counter, "Connections that were refused because of a limit, by door.")

    /// Adds the door's connections.
    public func show(on page: inout MetricsPage) {
        page.add(ConnectionGate.open, openConnections, ["door": door])
        page.add(ConnectionGate.refused, refusedConnections, ["door": door])
    }
}
