import DequeModule
import Logging
import NIOCore

/// What a client does on its event loop: keeps a connection while there are calls, and brings every call to an end.
final class ServerLink {
    /// How much later than the server the client gives a call up, so that the server's word counts.
    static let deadlineGrace = TimeAmount.milliseconds(250)
    /// How long a call whose caller has given it up waits for what the server says to that.
    static let lastWordWait = TimeAmount.seconds(2)

    private let eventLoop: any EventLoop
    private let options: ClientOptions
    private let connector: Connector
    private let logger: Logger

    private var state: ConnectState
    private var servers: ServerTurn
    private var random = SystemRandomNumberGenerator()
    /// The connection that takes calls.
    private var connection: ServerConnection?
    /// Connections that are there: the one above, and those that take no more calls and await their last answers.
    private var channels: [ObjectIdentifier: any Channel] = [:]
    /// Every call without an answer.
    private var calls: [UInt64: PendingCall] = [:]
    /// Calls without a connection, in the order in which they came; those that were given up are still among them.
    private var waiting: Deque<PendingCall> = []
    /// Those who are told what becomes of the connection.
    private var observers = ConnectionObservers()
    private lazy var timer = ExpiryTimer(eventLoop: eventLoop) { [weak self] in self?.expireCalls() }

    init(addresses: [ServerAddress], options: ClientOptions, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        self.options = options
        self.logger = logger
        servers = ServerTurn(addresses)
        // A server that does not answer at all leaves time to try the others.
        let timeout = TimeAmount(clamping: options.connectTimeout / addresses.count)
        connector = Connector(eventLoop: eventLoop, timeout: timeout, tls: options.tls)
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
        guard let call = calls[id], !call.isGivenUp else { return }
        guard call.request.awaitsLastWord, case .inFlight(let connection, let streamID) = call.place else {
            return giveUp(call, .cancelled(outcomeUnknown: call.mayChangeUnseen))
        }
        call.isGivenUp = true
        connection.sendCancel(streamID)
        let expiry = NIODeadline.now() + ServerLink.lastWordWait
        call.expiry = min(call.expiry ?? expiry, expiry)
        timer.arm(at: expiry)
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

    /// Keeps a call until there is a connection.
    ///
    /// - Parameter goesOn: Whether it waits as before, since what it was given to is no scheduler.
    private func wait(_ call: PendingCall, goesOn: Bool = false) {
        let now = NIODeadline.now()
        call.place = .waiting
        let expiry =
            (goesOn ? call.connectExpiry : nil)
            ?? min(now + TimeAmount(clamping: options.connectTimeout), call.request.deadline ?? .distantFuture)
        call.connectExpiry = expiry
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
            if !call.isGivenUp { connection.sendCancel(streamID) }
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
        if call.isGivenUp { return .cancelled(outcomeUnknown: call.mayChangeUnseen) }
        guard case .waiting = call.place else { return .deadlineExceeded(outcomeUnknown: call.mayChangeUnseen) }
        return unreachable(call)
    }

    /// No connection came about for a call, which an earlier connection may have carried to a server nevertheless.
    private func unreachable(_ call: PendingCall) -> DMSClientError {
        let failure = servers.failure
        return call.mayChangeUnseen ? .outcomeUnknown(cause: "\(failure)") : failure
    }

    /// Sends a call once more where it may be; false where it has to end now.
    private func repeated(_ call: PendingCall, didNothing: Bool) -> Bool {
        guard call.repeatOnce(servers: servers.count, didNothing: didNothing) else { return false }
        wait(call)
        return true
    }

    // MARK: Connecting

    private func perform(_ action: ConnectState.Action) {
        switch action {
        case .nothing:
            break
        case .connect:
            connector.connect(to: servers.current).assumeIsolated().whenComplete { [self] in connectEnded($0) }
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
            logger.debug("connected", metadata: ["server": "\(servers.current)"])
            if channel.isActive {
                connection.open(keepAlive: keepAlive)
                submitWaiting()
            } else {
                // A socket that was closed before it had its handler may never tell it so.
                connection.channelWasClosed()
            }
        } catch let error as StrangerError {
            connectFailed(ServerTurn.Failure(cause: error.cause, isStranger: true))
        } catch {
            connectFailed(ServerTurn.Failure(cause: FailureText.describe(error)))
        }
    }

    private var keepAlive: KeepAlive? {
        options.pingInterval.map {
            KeepAlive(
                interval: TimeAmount(clamping: $0), timeout: TimeAmount(clamping: options.pingTimeout), now: .now())
        }
    }

    private func connectFailed(_ failure: ServerTurn.Failure) {
        logger.debug("cannot connect", metadata: ["server": "\(servers.current)", "cause": "\(failure.cause)"])
        let wereAllTried = failed(failure)
        if wereAllTried, !options.retriesConnecting {
            let failed = waiting
            waiting = []
            for call in failed where !call.isDone { finish(call, .failure(unreachable(call))) }
        }
        waiting.removeAll { $0.isDone }
        perform(
            state.connectFailed(isNeeded: !waiting.isEmpty, pauses: wereAllTried, now: .now(), using: &random))
    }

    /// No scheduler was heard at the current address; true where all of them have been tried by now.
    @discardableResult
    private func failed(_ failure: ServerTurn.Failure) -> Bool {
        let address = servers.current
        let wereAllTried = servers.failed(failure)
        if wereAllTried { observers.tell(.failed(address, servers.failure)) }
        return wereAllTried
    }

    private func submitWaiting() {
        let calls = waiting
        waiting = []
        for call in calls where !call.isDone { submit(call) }
    }

    /// Gives a connection no more calls; those in flight may still be answered.
    private func retire(_ connection: ServerConnection, wasUseful: Bool = true) {
        guard connection === self.connection else { return }
        self.connection = nil
        state.disconnected(wasUseful: wasUseful, now: .now(), using: &random)
        closeIfRetired(connection)
    }

    /// Turns from a server that cannot do its work now to the next one.
    private func turn(from connection: ServerConnection) {
        guard connection === self.connection else { return }
        servers.moveOn()
        retire(connection, wasUseful: connection.isUseful)
    }

    private func closeIfRetired(_ connection: ServerConnection) {
        if connection !== self.connection, connection.isIdle { connection.close() }
    }

    /// Tells one more what becomes of the connection.
    func addObserver(_ observer: ConnectionObservers.Observer) {
        if state.isClosed { observer.finish() } else { observers.add(observer) }
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
        observers.finish()
        let closed = channels.values.map(\.closeFuture)
        for channel in channels.values { channel.close(promise: nil) }
        return EventLoopFuture.andAllComplete(closed, on: eventLoop)
    }
}

extension ServerLink: ServerConnectionDelegate {
    func connectionAnswered(_ connection: ServerConnection) {
        guard connection === self.connection else { return }
        servers.succeeded()
        observers.tell(.reached(servers.current))
    }

    func connectionProvedUseful(_ connection: ServerConnection) { state.provedUseful() }

    func connection(_ connection: ServerConnection, finished call: PendingCall, _ outcome: PendingCall.Outcome) {
        if outcome.isOfNoUse, servers.count > 1, call.repeatOnce(servers: servers.count, didNothing: true) {
            turn(from: connection)
            call.connectExpiry = nil
            submit(call)
        } else {
            finish(call, outcome.refusal.map { .failure(call.error(havingDoneNothing: $0)) } ?? outcome)
        }
        closeIfRetired(connection)
    }

    func connection(_ connection: ServerConnection, goesAwayWithout calls: [PendingCall], cause: String) {
        logger.debug("connection retired", metadata: ["server": "\(servers.current)", "cause": "\(cause)"])
        turn(from: connection)
        for call in calls where !repeated(call, didNothing: true) {
            finish(call, .failure(call.error(havingDoneNothing: .connectionLost(cause: cause))))
        }
        closeIfRetired(connection)
    }

    func connection(_ connection: ServerConnection, stopped loss: ConnectionLoss) {
        guard connection === self.connection else { return }
        self.connection = nil
        if !connection.hasAnswered {
            failed(ServerTurn.Failure(cause: loss.cause, isStranger: loss.isViolation))
        } else if !connection.isUseful {
            servers.moveOn()
        }
        state.disconnected(wasUseful: connection.isUseful, now: .now(), using: &random)
        logger.debug("connection lost", metadata: ["cause": "\(loss.cause)"])
        if !waiting.isEmpty { perform(state.connectionNeeded(now: .now())) }
    }

    func connection(_ connection: ServerConnection, ended loss: ConnectionLoss, losing lost: [PendingCall]) {
        channels[ObjectIdentifier(connection)] = nil
        if !connection.hasAnswered, loss.isViolation { return lost.forEach(strangerGot) }
        for call in lost where !repeated(call, didNothing: !call.isSent) {
            finish(call, .failure(ServerLink.error(of: call, lostBy: loss)))
        }
    }

    /// Goes on with a call that something else than a scheduler got: nothing was done, as where a connection did not come about.
    private func strangerGot(_ call: PendingCall) {
        call.place = .waiting
        if call.isGivenUp {
            finish(call, .failure(.cancelled(outcomeUnknown: call.mayChangeUnseen)))
        } else if options.retriesConnecting || !servers.isRoundOver {
            wait(call, goesOn: true)
        } else {
            finish(call, .failure(unreachable(call)))
        }
    }

    private static func error(of call: PendingCall, lostBy loss: ConnectionLoss) -> DMSClientError {
        if call.isGivenUp { return .cancelled(outcomeUnknown: call.mayHaveChangedBefore) }
        if call.mayHaveChangedBefore { return .outcomeUnknown(cause: loss.cause) }
        if case .violation(let violation) = loss { return .protocolViolation(violation, outcomeUnknown: false) }
        return .connectionLost(cause: loss.cause)
    }
}
