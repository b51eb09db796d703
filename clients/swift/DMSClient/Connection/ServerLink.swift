import DequeModule
import Logging
import NIOCore

/// What a client does on its event loop: keeps a connection while there are calls, and brings every call to an end.
final class ServerLink {
    /// How much later than the server the client gives a call up, so that the server's word counts.
    static let deadlineGrace = TimeAmount.milliseconds(250)

    private let eventLoop: any EventLoop
    private let options: ClientOptions
    private let connector: Connector
    private let logger: Logger

    private var state: ConnectState
    private var random = SystemRandomNumberGenerator()
    private var lastFailure: String?
    /// The connection that takes calls.
    private var connection: ServerConnection?
    /// Connections that are there: the one above, and those that take no more calls and await their last answers.
    private var channels: [ObjectIdentifier: any Channel] = [:]
    /// Every call without an answer.
    private var calls: [UInt64: PendingCall] = [:]
    /// Calls without a connection, in the order in which they came; those that were given up are still among them.
    private var waiting: Deque<PendingCall> = []
    private lazy var timer = ExpiryTimer(eventLoop: eventLoop) { [weak self] in self?.expireCalls() }

    init(address: ServerAddress, options: ClientOptions, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        self.options = options
        self.logger = logger
        let timeout = TimeAmount(clamping: options.connectTimeout)
        connector = Connector(address: address, eventLoop: eventLoop, timeout: timeout)
        state = ConnectState(backoff: options.backoff)
    }

    // MARK: Calls

    /// Takes a new call.
    func start(_ call: PendingCall) {
        guard !state.isClosed else { return call.finish(.failure(.closed)) }
        calls[call.request.id] = call
        submit(call)
    }

    /// Gives a call up because its caller did; nothing where it has ended already.
    func cancel(_ id: UInt64) {
        guard let call = calls[id] else { return }
        giveUp(call, .cancelled(outcomeUnknown: call.mayChangeUnseen))
    }

    private func submit(_ call: PendingCall) {
        guard let connection else { return wait(call) }
        switch connection.send(call, now: .now()) {
        case .sent:
            call.expiry = call.request.deadline.map { $0 + ServerLink.deadlineGrace }
            if let expiry = call.expiry { timer.arm(at: expiry) }
        case .failed(let error):
            finish(call, .failure(error))
        case .refused:
            // Its stream ids are used up: what is in flight is still answered there.
            retire(connection)
            wait(call)
        }
    }

    private func wait(_ call: PendingCall) {
        let now = NIODeadline.now()
        call.place = .waiting
        let expiry = min(now + TimeAmount(clamping: options.connectTimeout), call.request.deadline ?? .distantFuture)
        call.expiry = expiry
        timer.arm(at: expiry)
        waiting.append(call)
        perform(state.connectionNeeded(now: now))
    }

    private func finish(_ call: PendingCall, _ outcome: PendingCall.Outcome) {
        calls[call.request.id] = nil
        call.finish(outcome)
    }

    /// Ends a call that has no answer, wherever it is.
    private func giveUp(_ call: PendingCall, _ error: DMSClientError) {
        let place = call.place
        finish(call, .failure(error))
        if case .inFlight(let connection, let streamID) = place {
            connection.abandon(streamID)
            closeIfRetired(connection)
        }
    }

    private func expireCalls() {
        let now = NIODeadline.now()
        var earliest: NIODeadline?
        var expired: [PendingCall] = []
        for call in calls.values {
            guard let expiry = call.expiry else { continue }
            if expiry <= now {
                expired.append(call)
            } else {
                earliest = min(expiry, earliest ?? expiry)
            }
        }
        if let earliest { timer.arm(at: earliest) }
        for call in expired where !call.isDone { giveUp(call, expiryError(of: call)) }
        waiting.removeAll { $0.isDone }
    }

    private func expiryError(of call: PendingCall) -> DMSClientError {
        guard case .waiting = call.place else { return .deadlineExceeded(outcomeUnknown: call.mayChangeUnseen) }
        return .unreachable(connector.address, cause: lastFailure ?? "no connection came about in time")
    }

    // MARK: Connecting

    private func perform(_ action: ConnectState.Action) {
        switch action {
        case .nothing:
            break
        case .connect:
            connector.connect().assumeIsolated().whenComplete { [self] in connectEnded($0) }
        case .pause(let moment):
            eventLoop.assumeIsolated().scheduleTask(deadline: moment) { [self] in
                waiting.removeAll { $0.isDone }
                perform(state.pauseEnded(isNeeded: !waiting.isEmpty))
            }
        }
    }

    private func connectEnded(_ outcome: Result<any Channel, any Error>) {
        do {
            let channel = try outcome.get()
            let connection = ServerConnection(delegate: self, streamIDMax: options.streamIDMax)
            try channel.pipeline.syncOperations.addHandler(connection)
            guard state.connected() else { return channel.close(promise: nil) }
            channels[ObjectIdentifier(connection)] = channel
            self.connection = connection
            lastFailure = nil
            logger.debug("connected", metadata: ["server": "\(connector.address)"])
            if channel.isActive {
                submitWaiting()
            } else {
                // A socket that was closed before it had its handler may never tell it so.
                connection.channelWasClosed()
            }
        } catch {
            connectFailed(FailureText.describe(error))
        }
    }

    private func connectFailed(_ cause: String) {
        lastFailure = cause
        logger.debug("cannot connect", metadata: ["server": "\(connector.address)", "cause": "\(cause)"])
        if !options.retriesConnecting {
            let failed = waiting
            waiting = []
            for call in failed where !call.isDone {
                finish(call, .failure(.unreachable(connector.address, cause: cause)))
            }
        }
        waiting.removeAll { $0.isDone }
        perform(state.connectFailed(isNeeded: !waiting.isEmpty, now: .now(), using: &random))
    }

    private func submitWaiting() {
        let calls = waiting
        waiting = []
        for call in calls where !call.isDone { submit(call) }
    }

    /// Gives a connection no more calls; those in flight may still be answered.
    private func retire(_ connection: ServerConnection) {
        guard connection === self.connection else { return }
        self.connection = nil
        state.disconnected(wasUseful: true, now: .now(), using: &random)
        closeIfRetired(connection)
    }

    private func closeIfRetired(_ connection: ServerConnection) {
        if connection !== self.connection, connection.isIdle { connection.close() }
    }

    // MARK: Closing

    /// Ends all calls and closes all connections; the future is there when the sockets are closed.
    func close() -> EventLoopFuture<Void> {
        state.close()
        timer.cancel()
        connection = nil
        waiting = []
        for call in calls.values {
            let error: DMSClientError =
                call.mayChangeUnseen ? .outcomeUnknown(cause: "the client was closed") : .closed
            giveUp(call, error)
        }
        let closed = channels.values.map(\.closeFuture)
        for channel in channels.values { channel.close(promise: nil) }
        return EventLoopFuture.andAllComplete(closed, on: eventLoop)
    }
}

extension ServerLink: ServerConnectionDelegate {
    func connectionProvedUseful(_ connection: ServerConnection) { state.provedUseful() }

    func connection(_ connection: ServerConnection, finished call: PendingCall, _ outcome: PendingCall.Outcome) {
        finish(call, outcome)
        closeIfRetired(connection)
    }

    func connection(_ connection: ServerConnection, stopped loss: ConnectionLoss) {
        guard connection === self.connection else { return }
        self.connection = nil
        state.disconnected(wasUseful: connection.isUseful, now: .now(), using: &random)
        logger.debug(
            "connection lost", metadata: ["server": "\(connector.address)", "cause": "\(loss.cause)"])
        if !waiting.isEmpty { perform(state.connectionNeeded(now: .now())) }
    }

    func connection(_ connection: ServerConnection, ended loss: ConnectionLoss, losing lost: [PendingCall]) {
        channels[ObjectIdentifier(connection)] = nil
        for call in lost {
            let mayRepeat = !call.isSent || call.request.retryPolicy == .always
            if mayRepeat, !call.isRepeated {
                call.isRepeated = true
                wait(call)
            } else {
                finish(call, .failure(ServerLink.error(of: call, lostBy: loss)))
            }
        }
    }

    private static func error(of call: PendingCall, lostBy loss: ConnectionLoss) -> DMSClientError {
        if call.isSent, call.request.retryPolicy == .unsentOnly { return .outcomeUnknown(cause: loss.cause) }
        if case .violation(let violation) = loss { return .protocolViolation(violation, outcomeUnknown: false) }
        return .connectionLost(cause: loss.cause)
    }
}
