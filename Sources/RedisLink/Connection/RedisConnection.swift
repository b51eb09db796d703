import Logging
public import NIOCore
import NIOPosix

/// The link of one event loop to one Redis: it outlives the connections that carry it.
///
/// Everything is called on ``eventLoop``. While there is no connection, commands fail at once with
/// ``RedisError/unavailable(_:)``: callers know best whether to try again.
public final class RedisConnection {
    public let eventLoop: any EventLoop

    private enum State {
        /// Nobody asked for a connection yet.
        case idle
        case connecting(RedisChannelHandler?)
        case ready(RedisChannelHandler)
        case pausing(Scheduled<Void>)
        case closed
    }

    /// Attempts to connect for the first time that fail without a line in the log: about half a second.
    private static let quietAttempts = 5

    private let url: RedisURL
    private let options: RedisOptions
    private let scripts: [RedisScript]
    private let logger: Logger
    private var state = State.idle
    private var hashes: [ObjectIdentifier: ByteBuffer] = [:]
    private var attempt = 0
    private var problem = "Redis is not connected yet"
    private var isDownLogged = false
    private var wasReady = false
    private var readyWaiters: [EventLoopPromise<Void>] = []
    private var closeWaiters: [EventLoopPromise<Void>] = []

    init(url: RedisURL, options: RedisOptions, scripts: [RedisScript], eventLoop: any EventLoop, logger: Logger) {
        self.url = url
        self.options = options
        self.scripts = scripts
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: "redis"] = "\(url)"
        self.logger = logger
    }

    /// Whether commands can be sent now.
    public var isReady: Bool {
        if case .ready = state { return true }
        return false
    }

    /// Sends a command; the closure turns its answer into a value.
    ///
    /// An error answer fails the future.
    public func send<Value>(
        _ command: RedisCommand, decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        guard case .ready(let handler) = state else {
            promise.fail(RedisError.unavailable(problem))
            return promise.futureResult
        }
        handler.send(ValueCall(bytes: command.bytes, promise: promise, decode: decode))
        return promise.futureResult
    }

    /// Calls a script: KEYS are the fixed keys, then the further ones; ARGV are the arguments.
    ///
    /// A script that Redis has forgotten is loaded again on the way.
    public func evaluate<Value>(
        _ script: RedisScript, keys: RedisKeys, _ furtherKeys: [String], _ arguments: [RedisArgument],
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        guard case .ready(let handler) = state else {
            promise.fail(RedisError.unavailable(problem))
            return promise.futureResult
        }
        guard let hash = hashes[ObjectIdentifier(script)] else {
            preconditionFailure("the script \(script.name) is none of those that the client was made with")
        }
        let words = ScriptArguments(keys: keys, furtherKeys: furtherKeys, words: arguments)
        handler.send(ScriptCall(script, hash: hash, arguments: words, promise: promise, decode: decode))
        return promise.futureResult
    }

    /// Succeeds as soon as commands can be sent.
    func whenReady() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        switch state {
        case .ready: promise.succeed()
        case .closed: promise.fail(RedisError.unavailable(problem))
        case .idle, .connecting, .pausing: readyWaiters.append(promise)
        }
        return promise.futureResult
    }

    /// Why there is no connection, as far as that is known.
    var lastProblem: String { problem }

    /// Connects, and keeps connected until ``close()``.
    func start() {
        guard case .idle = state else { return }
        connect()
    }

    /// Closes for ever; what is in flight fails by what is known of it.
    func close() -> EventLoopFuture<Void> {
        let previous = state
        state = .closed
        problem = "the link to Redis was closed"
        for waiter in readyWaiters { waiter.fail(RedisError.unavailable(problem)) }
        readyWaiters = []
        switch previous {
        case .ready(let handler), .connecting(let handler?):
            let promise = eventLoop.makePromise(of: Void.self)
            closeWaiters.append(promise)
            handler.close(problem)
            return promise.futureResult
        case .pausing(let pause): pause.cancel()
        case .idle, .connecting(nil), .closed: break
        }
        return eventLoop.makeSucceededVoidFuture()
    }

    private func connect() {
        state = .connecting(nil)
        let handler = RedisChannelHandler(commandTimeout: options.commandTimeout)
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(options.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        let connected =
            switch url.address {
            case .tcp(let host, let port):
                bootstrap
                    .channelOption(.socketOption(.so_keepalive), value: 1)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: host, port: port)
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.connected(handler)
            case .failure(let error): self.lost("cannot connect: \(error)")
            }
        }
    }

    private func connected(_ handler: RedisChannelHandler) {
        guard case .connecting = state else {
            handler.close("no longer wanted")
            return
        }
        state = .connecting(handler)
        handler.onClose = { self.lost($0) }
        let limit = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(options.connectTimeout)) {
            handler.close("Redis did not answer the handshake in time")
        }
        handshake(on: handler).assumeIsolated().whenComplete { result in
            limit.cancel()
            switch result {
            case .success: self.becomeReady(handler)
            case .failure(let error): handler.close("the handshake failed: \(error)")
            }
        }
    }

    /// Says who we are, picks the database and loads the scripts, all in one go.
    private func handshake(on handler: RedisChannelHandler) -> EventLoopFuture<Void> {
        func ask(_ words: [String]) -> EventLoopFuture<ByteBuffer> {
            let promise = eventLoop.makePromise(of: ByteBuffer.self)
            handler.send(
                ValueCall(bytes: RedisCommand(words).bytes, promise: promise) { reply throws(RedisError) in
                    try reply.bytes()
                })
            return promise.futureResult
        }
        var answers: [EventLoopFuture<Void>] = []
        if let password = url.password {
            answers.append(ask(["AUTH"] + (url.user.map { [$0] } ?? []) + [password]).map { _ in })
        }
        // Answered with an error while Redis loads its data, and by one that wants a password.
        answers.append(ask(["SELECT", String(url.database)]).map { _ in })
        answers.append(ask(["PING"]).map { _ in })
        for script in scripts {
            answers.append(
                ask(["SCRIPT", "LOAD", script.source]).assumeIsolated()
                    .map { self.hashes[ObjectIdentifier(script)] = $0 }.nonisolated())
        }
        return EventLoopFuture.andAllSucceed(answers, on: eventLoop)
    }

    private func becomeReady(_ handler: RedisChannelHandler) {
        guard case .connecting = state else { return }
        state = .ready(handler)
        wasReady = true
        handler.onRefusal = { self.lookForAnother(handler) }
        attempt = 0
        if isDownLogged {
            isDownLogged = false
            logger.info("Redis is connected again")
        }
        for waiter in readyWaiters { waiter.succeed() }
        readyWaiters = []
    }

    /// The server is not the one to write to, or not ready: what is in flight is still answered, then we connect anew.
    private func lookForAnother(_ handler: RedisChannelHandler) {
        guard case .ready = state else { return }
        problem = "Redis refused, and another is looked for"
        state = .connecting(handler)
        handler.leave()
    }

    private func lost(_ reason: String) {
        if case .closed = state {
            for waiter in closeWaiters { waiter.succeed() }
            closeWaiters = []
            return
        }
        problem = reason
        // A server that is just starting is worth a few attempts before it is worth a line.
        if !isDownLogged, wasReady || attempt == RedisConnection.quietAttempts {
            isDownLogged = true
            logger.warning("Redis is not connected; it is tried again", metadata: ["reason": "\(reason)"])
        }
        let pause = options.backoff(attempt: attempt)
        attempt += 1
        state = .pausing(
            eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(pause)) {
                guard case .pausing = self.state else { return }
                self.connect()
            })
    }
}
