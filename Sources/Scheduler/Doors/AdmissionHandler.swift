import DMSModel
public import Logging
public import NIOCore

/// Lets a listening socket's new connections in while the gate is open, and closes those at once that are not even told.
///
/// It stands behind an `AcceptBackoffHandler`, see ``handlers(_:_:)``. Accepts that failed go no further, because whoever stands
/// behind would take them for the end of the listener; the log is told once, until one succeeds.
public final class AdmissionHandler: ChannelInboundHandler {
    /// What is accepted.
    public typealias InboundIn = any Channel
    /// What is passed on: what the gate did not close.
    public typealias InboundOut = any Channel

    private let gate: ConnectionGate
    private let logger: Logger
    private var isFailing = false

    init(_ gate: ConnectionGate, _ logger: Logger) {
        self.gate = gate
        self.logger = logger
    }

    /// What a listener's pipeline begins with: a pause after each accept that failed, and the gate.
    public static func handlers(_ gate: ConnectionGate, _ logger: Logger) -> [any ChannelHandler] {
        let pause = TimeAmount.milliseconds(Limits.Connections.acceptPauseMilliseconds)
        return [AcceptBackoffHandler { _ in pause }, AdmissionHandler(gate, logger)]
    }

    /// Asks the gate.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isFailing = false
        let connection = unwrapInboundIn(data)
        guard gate.admit(connection) != .closed else { return connection.close(promise: nil) }
        context.fireChannelRead(data)
    }

    /// Keeps the errors of accepts, and passes others on.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        if !isFailing { logger.warning("A connection could not be accepted", metadata: ["error": "\(error)"]) }
        isFailing = true
    }
}
