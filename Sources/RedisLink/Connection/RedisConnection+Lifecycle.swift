internal import Logging
internal import NIOCore
internal import NIOPosix

extension RedisConnection {
    /// Begins to connect, and from then on stays connected.
    func start() {
        eventLoop.assertInEventLoop()
        guard let attempt = link.beginAttempt() else { return }
        attemptTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(options.connectTimeout)) {
            self.lose("no connection within \(self.options.connectTimeout)")
        }
        connect().assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel, attempt: attempt)
            case .failure(let error):
                if self.link.isConnecting(attempt: attempt) { self.lose(ConnectFailure.describe(error)) }
            }
        }
    }

    /// Ends for good: closes the connection and fails what waits, by what is known of it.
    func stop() -> EventLoopFuture<Void> {
        eventLoop.assertInEventLoop()
        if let ended { return ended }
        let ended = handler?.closeFuture ?? eventLoop.makeSucceededVoidFuture()
        self.ended = ended
        link.stop()
        downReason = "the link was shut down"
        dropConnection()
        failCalls(downReason)
        waiters.finish(with: .failure(.unavailable(downReason)))
        return ended
    }

    /// Succeeds when the link is ready, which it may be already.
    func whenReady(within limit: Duration) -> EventLoopFuture<Void> {
        eventLoop.assertInEventLoop()
        if link.isReady { return eventLoop.makeSucceededVoidFuture() }
        if link.isStopped { return eventLoop.makeFailedFuture(RedisError.unavailable(downReason)) }
        let promise = eventLoop.makePromise(of: Void.self)
        let id = waiters.add(promise)
        let timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            self.waiters.remove(id)?.fail(RedisError.unavailable("not connected within \(limit): \(self.downReason)"))
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    /// The connection is gone, or no good: fails what waits, and comes back after a while.
    func lose(_ reason: String) {
        guard let loss = link.lost(now: .now(), jitter: .random(in: 0..<1)) else { return }
        downReason = reason
        dropConnection()
        attemptTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(loss.retryAfter)) { self.start() }
        logger.log(
            level: loss.isNews ? .warning : .debug, "the connection to Redis is down",
            metadata: ["redis": "\(url)", "reason": "\(reason)"])
        failCalls(reason)
    }

    func receiveInHandshake(_ reply: borrowing RedisReply) {
        switch handshake?.receive(reply) {
        case .wait, nil: return
        case .failed(let reason):
            if let subscription, handshake?.refusedChannel == true { sayRefused(subscription.channel, reason) }
            lose(reason)
        case .ready(let heads):
            handshake = nil
            saidRefused = false
            scriptHeads = heads
            attemptTimer?.cancel()
            attemptTimer = nil
            let isNews = link.becameReady(now: .now())
            logger.log(level: isNews ? .info : .debug, "connected to Redis", metadata: ["redis": "\(url)"])
            waiters.finish(with: .success(()))
            subscription?.onReady()
        }
    }

    /// Says once that the channel is refused: no other link meets that, so no other says it.
    private func sayRefused(_ channel: String, _ reason: String) {
        guard !saidRefused else { return }
        saidRefused = true
        logger.error(
            "Redis does not let us listen to a channel",
            metadata: ["redis": "\(url)", "channel": "\(channel)", "reason": "\(reason)"])
    }

    private func connect() -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(options.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RedisChannelHandler())
                }
            }
        switch url.address {
        case .tcp(let host, let port):
            return
                bootstrap
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .connect(host: host, port: port)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private func connected(_ channel: any Channel, attempt: Int) {
        guard let handler = try? channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self),
            link.connected(attempt: attempt)
        else {
            channel.close(promise: nil)
            if link.isConnecting(attempt: attempt) { lose("the connection was closed by Redis") }
            return
        }
        self.handler = handler
        handler.attach(to: self)
        let handshake = Handshake(url: url, scripts: scripts, channel: subscription?.channel)
        self.handshake = handshake
        handler.send(handshake.commands)
    }

    private func dropConnection() {
        attemptTimer?.cancel()
        attemptTimer = nil
        handshake = nil
        let handler = handler
        self.handler = nil
        handler?.giveUp()
    }
}
