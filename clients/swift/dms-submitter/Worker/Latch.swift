import Synchronization

/// Something that happens once, and that many may wait for.
final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: AsyncStream<Never>.Continuation] = [:]
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock(\.isOpen) }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.finish() }
    }

    /// Returns when it has happened, or the waiting task is canceled.
    func wait() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let id = state.withLock { state -> UInt64 in
            state.lastWaiter += 1
            if state.isOpen { continuation.finish() } else { state.waiters[state.lastWaiter] = continuation }
            return state.lastWaiter
        }
        for await _ in stream {}
        _ = state.withLock { $0.waiters.removeValue(forKey: id) }
    }
}
