import DMSClient

/// What a worker says of its connection: that there is trouble, again now and then, and that it is over.
struct ConnectionReport {
    private static let pause = Duration.seconds(30)

    /// When the trouble was told the last time; nil where there is none.
    private var toldAt: ContinuousClock.Instant?
    private var wasReached = false

    /// The line that is to be written; nil where nothing new is to be said.
    ///
    /// Throws where something else than a scheduler answers everywhere from the beginning: then it is the addresses that are wrong.
    mutating func line(
        for event: ConnectionEvent, now: ContinuousClock.Instant
    ) throws(DMSClientError) -> String? {
        switch event {
        case .reached(let address):
            wasReached = true
            defer { toldAt = nil }
            return toldAt == nil ? nil : "the scheduler at \(address) is reached"
        case .failed(_, let error):
            if case .noScheduler = error, !wasReached { throw error }
            if let toldAt, toldAt.duration(to: now) < ConnectionReport.pause { return nil }
            toldAt = now
            return "\(error); it is waited for"
        }
    }
}
