/// The limits that can be set; all others are fixed, see docs/limits.md.
struct LimitSettings: Sendable {
    /// What a number of things may be set to, where 0 means that there is no limit.
    private static let counts = 0...1_000_000_000

    /// Tasks that may be queued; 0: any number.
    var queuedMax: Int

    /// Throws for the first value that can't be used.
    init(_ source: SettingsSource) throws(SettingsError) {
        queuedMax = try Settings.number(source, .maxQueued, LimitSettings.counts)
    }
}
