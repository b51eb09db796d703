import Logging
import NIOCore
import Synchronization

/// How many connections the server has, over all its listeners and loops, and whether it takes one more.
final class ConnectionGate: Sendable {
    private let connectionsMax: Int
    private let connections = Atomic<Int>(0)

    init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

    /// Counts a connection; false, and nothing counted, where the server has as many as it may.
    func enter() -> Bool {
        guard connections.add(1, ordering: .relaxed).newValue <= connectionsMax else {
            leave()
            return false
        }
        return true
    }

    /// A connection that entered is gone.
    func leave() { connections.subtract(1, ordering: .relaxed) }
}

/// Lets a listening socket's new connections in while the gate is open, and closes the others at once.
///
/// It stands behind an `AcceptBackoffHandler`, and tells the log of accepts that failed: once, until one succeeds.
final class AdmissionHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let gate: ConnectionGate
    private let counters: RPCServerCounters
    private let logger: Logger
    private var isFailing = false

    init(_ gate: ConnectionGate, _ counters: RPCServerCounters, _ logger: Logger) {
        self.gate = gate
        self.counters = counters
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isFailing = false
        let connection = unwrapInboundIn(data)
        guard gate.enter() else {
            counters.countRefusedConnection()
            return connection.close(promise: nil)
        }
        connection.closeFuture.whenComplete { [gate] _ in gate.leave() }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        if !isFailing { logger.warning("A connection could not be accepted", metadata: ["error": "\(error)"]) }
        isFailing = true
    }
}
