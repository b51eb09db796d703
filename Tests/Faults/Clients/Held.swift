import FaultLedger

/// A task that a client was handed.
struct Held {
    var seen: SeenTask
    /// Whether an acknowledgement of it was sent: its lease may not end by itself any more.
    var mayBeAcknowledged = false
    /// How it is being finished, once that was tried.
    var ending: Ending?

    var proof: Proof { Proof(task: seen.task, token: seen.token) }
    var isLeased: Bool { !seen.token.isEmpty }
}
