import Synchronization

/// What the binary door counts, over all its connections and since it started.
final class RPCServerCounters: Sendable {
    private let ignored = Atomic<Int>(0)
    private let timedOut = Atomic<Int>(0)

    /// A frame that means nothing to us was passed over.
    func countIgnoredFrame() { ignored.add(1, ordering: .relaxed) }

    /// A connection was closed because its client was silent, or took nothing of what was sent, for too long.
    func countTimedOutConnection() { timedOut.add(1, ordering: .relaxed) }

    var ignoredFrames: Int { ignored.load(ordering: .relaxed) }
    var timedOutConnections: Int { timedOut.load(ordering: .relaxed) }
}
