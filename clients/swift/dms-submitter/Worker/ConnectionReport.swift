import DMSClient

/// What a worker says of its connection: that there is trouble, again now and then, and that it is over.
struct ConnectionReport {
    private static let pause = Duration.seconds(30)

    /// When the trouble was told the last time; nil where there is none.
    private var toldAt: ContinuousClock.Instant?
    private var wasReached = false

    /// The line that is to be written; nil where nothing new is to be said.
    ///
    /// Throws where something else than a scheduler answers from the beginning: then it is the address that is wrong.
    mutating func line(
        for event: ConnectionEvent, now: ContinuousClock.Instant
    ) throws(DMSClientError) -> String? {
        switch event {
        case .reached(let address):
            wasReached = true
            defer { toldAt = nil }
            return toldAt == nil ? nil : "the scheduler at \(address) is reached"
        case .failed(let address, let error):
            var text = "\(error)"
            if case .protocolViolation(let violation, _) = error {
                guard wasReached else {
                    throw .protocolViolation("what answers at \(address) is no scheduler", outcomeUnknown: false)
                }
                text = "What answers at \(address) is no scheduler: \(violation)"
            }
            if let toldAt, toldAt.duration(to: now) < ConnectionReport.pause { return nil }
            toldAt = now
            return "\(text); it is waited for"
        }
    }
}
