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
        let next = nextServer
        nextServer = nil
        let place = next.map { eventLoop.makeSucceededFuture($0) } ?? locator.locate()
        place.assumeIsolated().whenComplete { result in
            guard self.link.isConnecting(attempt: attempt) else { return }
            switch result {
            case .success(let address): self.connect(to: address, attempt: attempt)
            case .failure(let error): self.lose((error as? RedisError)?.sentence ?? "\(error)")
            }
        }
    }

    private func connect(to address: RedisURL.Address, attempt: Int) {
        server = address
        dialer.connect(to: address, for: RedisConnection.self).assumeIsolated().whenComplete { result in
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
        finishRedirection(downReason)
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
        // What another node refused waits for one attempt to get where it was sent.
        let isMoving = link.drainReason != nil && !redirected.isEmpty
        guard let loss = link.lost(now: .now(), jitter: .random(in: 0..<1)) else { return }
        downReason = reason
        dropConnection()
        attemptTimer = eventLoop.assumeIsolated().scheduleTask(in: isMoving ? .zero : TimeAmount(loss.retryAfter)) {
            self.start()
        }
        var metadata: Logger.Metadata = ["redis": "\(url)", "reason": "\(reason)"]
        if case .one = url.servers {} else if let server { metadata["server"] = "\(server)" }
        logger.log(level: loss.isNews ? .warning : .debug, "the connection to Redis is down", metadata: metadata)
        failCalls(reason)
        if !isMoving { finishRedirection(reason) }
    }

    func receiveInHandshake(_ reply: borrowing RedisReply) {
        switch handshake?.receive(reply) {
        case .wait, nil: return
        case .failed(let reason):
            if let subscription, handshake?.refusedChannel == true { sayRefused(subscription.channels, reason) }
            lose(reason)
        case .ready(let heads):
            if let inspection, let handshake { inspection.heed(eventLoop, handshake.inspected) }
            handshake = nil
            saidRefused = false
            scriptHeads = heads
            attemptTimer?.cancel()
            attemptTimer = nil
            let isNews = link.becameReady(now: .now())
            var metadata: Logger.Metadata = ["redis": "\(url)"]
            if case .one = url.servers {} else if let server { metadata["server"] = "\(server)" }
            logger.log(level: isNews ? .info : .debug, "connected to Redis", metadata: metadata)
            schedulePing()
            finishRedirection(nil)
            waiters.finish(with: .success(()))
            subscription?.onReady()
        }
    }

    /// Says once that the channel is refused: no other link meets that, so no other says it.
    private func sayRefused(_ channels: [String], _ reason: String) {
        guard !saidRefused else { return }
        saidRefused = true
        logger.error(
            "Redis does not let us listen to a channel",
            metadata: ["redis": "\(url)", "channel": "\(channels.joined(separator: ","))", "reason": "\(reason)"])
    }

    private func connected(_ channel: any Channel, attempt: Int) {
        guard
            let handler = try? channel.pipeline.syncOperations.handler(type: RedisChannelHandler<RedisConnection>.self),
            link.connected(attempt: attempt)
        else {
            channel.close(promise: nil)
            if link.isConnecting(attempt: attempt) { lose("the connection was closed by Redis") }
            return
        }
        self.handler = handler
        handler.attach(to: self)
        let handshake = Handshake(url: url, purpose: purpose)
        self.handshake = handshake
        handler.send(handshake.commands)
    }

    /// Says something now and then, however little there is to be said: proxies close connections that are quiet for long, and a server
    /// that went without a word is to be noticed before a call is lost with it.
    private func schedulePing() {
        pingTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(options.pingInterval)) {
            guard self.link.isReady else { return }
            // No answer in time loses the connection; there is nothing to be done with one.
            _ = self.send(RedisCommand("PING", readOnly: true)) { _ throws(RedisError) in }
            self.schedulePing()
        }
    }

    private func dropConnection() {
        attemptTimer?.cancel()
        attemptTimer = nil
        pingTimer?.cancel()
        pingTimer = nil
        handshake = nil
        let handler = handler
        self.handler = nil
        handler?.giveUp()
    }
}
