/// The limits that can be set; all others are fixed, see docs/limits.md.
struct LimitSettings: Sendable {
    /// What a number may be set to where 0 means that there is no limit.
    private static let counts = 0...1_000_000_000
    private static let connections = 1...1_000_000
    private static let seconds = 1...86_400

    /// Tasks that may be queued; 0: any number.
    var queuedMax: Int
    var httpConnectionsMax: Int
    var rpcConnectionsMax: Int
    /// 0: any number.
    var connectionsPerAddressMax: Int
    /// 0: any number.
    var requestsPerSecondMax: Int
    var firstRequestTime: Duration
    var requestTime: Duration
    var unreadTime: Duration
    var httpIdleTime: Duration
    /// Nil: for ever.
    var rpcIdleTime: Duration?

    /// Throws for the first value that can't be used.
    init(_ source: SettingsSource) throws(SettingsError) {
        queuedMax = try Settings.number(source, .maxQueued, LimitSettings.counts)
        httpConnectionsMax = try Settings.number(source, .httpConnectionsMax, LimitSettings.connections)
        rpcConnectionsMax = try Settings.number(source, .rpcConnectionsMax, LimitSettings.connections)
        connectionsPerAddressMax = try Settings.number(source, .connectionsPerAddressMax, LimitSettings.counts)
        requestsPerSecondMax = try Settings.number(source, .requestsPerSecondMax, LimitSettings.counts)
        firstRequestTime = try LimitSettings.time(source, .firstRequestSeconds)
        requestTime = try LimitSettings.time(source, .requestSeconds)
        unreadTime = try LimitSettings.time(source, .unreadSeconds)
        httpIdleTime = try LimitSettings.time(source, .httpIdleSeconds)
        let idleSeconds = try Settings.number(source, .rpcIdleSeconds, 0...LimitSettings.seconds.upperBound)
        rpcIdleTime = idleSeconds == 0 ? nil : .seconds(idleSeconds)
    }

    private static func time(_ source: SettingsSource, _ setting: Setting) throws(SettingsError) -> Duration {
        .seconds(try Settings.number(source, setting, seconds))
    }
}
