import DMSModel
public import Logging
public import NIOCore

/// Lets a listening socket's new connections in while the gate is open, and closes those at once that are not even told.
///
/// It stands behind an `AcceptBackoffHandler`, see ``handlers(_:_:)``. Accepts that failed go no further, because whoever stands
/// behind would take them for the end of the listener; the log is told once, until one succeeds. While several that were refused
/// are not closed yet, nothing more is accepted: a flood would open descriptors faster than other loops close them. So a
/// listener has ``closingMax`` such connections at most, which count among the descriptors that are kept.
public final class AdmissionHandler: ChannelDuplexHandler {
    /// What is accepted.
    public typealias InboundIn = any Channel
    /// What is passed on: what the gate did not close.
    public typealias InboundOut = any Channel
    /// Nothing is written to a listener.
    public typealias OutboundIn = Never

    /// How many connections NIO accepts at one read of a listener, unless that is set: it asks for the next read behind them.
    private static let acceptsPerRead = 4
    /// Refused connections of a listener that are not closed yet: those behind which a read is withheld, and the last read's.
    public static let closingMax = Limits.Connections.closingMax - 1 + acceptsPerRead

    private let gate: ConnectionGate
    private let logger: Logger
    private var isFailing = false
    /// Connections that were refused and are not closed yet.
    private var closing = 0
    private var isReadWithheld = false

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
        guard gate.admit(connection) != .closed else { return close(connection, context) }
        context.fireChannelRead(data)
    }

    private func close(_ connection: any Channel, _ context: ChannelHandlerContext) {
        closing += 1
        let closed = connection.closeFuture.hop(to: context.eventLoop)
        closed.assumeIsolated().whenComplete { _ in
            self.closing -= 1
            guard self.isReadWithheld, self.mayRead else { return }
            self.isReadWithheld = false
            context.read()
        }
        connection.close(promise: nil)
    }

    private var mayRead: Bool { closing < Limits.Connections.closingMax }

    /// Accepts more, unless too much of what was accepted is still to be closed.
    public func read(context: ChannelHandlerContext) {
        guard mayRead else {
            isReadWithheld = true
            return
        }
        context.read()
    }

    /// Keeps the errors of accepts, and passes others on.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        if !isFailing { logger.warning("A connection could not be accepted", metadata: ["error": "\(error)"]) }
        isFailing = true
    }
}
