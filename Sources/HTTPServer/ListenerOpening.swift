import HummingbirdCore
import Logging
import NIOCore
import Scheduler
import Synchronization

/// Keeps a listener from accepting anybody before the gate stands in front of it.
///
/// The framework has it listen before anybody gets at it, but asks each time whether to accept; until the gate is there the answer
/// is no, and the kernel keeps those who connect.
final class ListenerOpening: AvailableConnectionsDelegate {
    private struct State {
        var isOpen = false
        var failure: (any Error)?
    }

    private let gate: ConnectionGate
    private let logger: Logger
    private let state = Mutex(State())

    init(_ gate: ConnectionGate, _ logger: Logger) {
        self.gate = gate
        self.logger = logger
    }

    /// Why the gate could not be put there.
    var failure: (any Error)? { state.withLock(\.failure) }

    /// Puts the gate in front of whatever the framework has its listener do, and has it accept; false, with the listener closed, where
    /// that fails.
    func open(_ listener: any Channel) async -> Bool {
        do {
            try await listener.eventLoop.submit { [self] in
                try listener.pipeline.syncOperations.addHandlers(
                    AdmissionHandler.handlers(gate, logger), position: .first)
                state.withLock { $0.isOpen = true }
                listener.pipeline.syncOperations.read()
            }.get()
            return true
        } catch {
            state.withLock { $0.failure = error }
            try? await listener.close()
            return false
        }
    }

    // The gate counts them itself.
    func connectionOpened() {}
    func connectionClosed() {}

    func isAcceptingNewConnections() -> Bool { state.withLock(\.isOpen) }
}
