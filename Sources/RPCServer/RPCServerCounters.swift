import Synchronization

/// What the binary door counts, over all its connections and since it started.
final class RPCServerCounters: Sendable {
    private let ignored = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    /// A frame that means nothing to us was passed over.
    func countIgnoredFrame() { ignored.add(1, ordering: .relaxed) }

    /// A connection was closed as soon as it came, because there were too many.
    func countRefusedConnection() { refused.add(1, ordering: .relaxed) }

    var ignoredFrames: Int { ignored.load(ordering: .relaxed) }
    var refusedConnections: Int { refused.load(ordering: .relaxed) }
}
