internal import NIOCore

/// How a link follows a cluster, and the sentinels.
extension RedisConnection {
    /// Another node holds the slot, or a part of it: what it refused it did not do, so that it can be repeated there.
    func follow(_ redirection: ClusterRedirection, _ call: any PendingCall, _ error: RedisError) {
        guard call.repetition != nil else { return call.fail(error) }
        switch redirection {
        case .ask(let address): ask(call, at: address, error)
        case .moved(let address):
            redirected.append(call)
            guard link.isReady else { return }
            // Its replicas are not known yet.
            nextServer = purpose.role == .replica ? nil : address
            downReason = "the slot is at \(address) now"
            link.hurry()
            link.drain(downReason)
            redirected += takeUnsent().filter { call in
                if call.repetition == nil { call.fail(.unavailable(downReason)) }
                return call.repetition != nil
            }
        }
    }

    /// Sends one call to the node that the slot is on its way to.
    private func ask(_ call: any PendingCall, at address: RedisURL.Address, _ error: RedisError) {
        // Nobody would wait for the replicas there.
        guard let repetition = call.repetition, !(options.minReplicas > 0 && call.awaitsReplicas) else {
            return call.fail(error)
        }
        var words = ByteBuffer()
        repetition.writeWords(from: call.batch, to: &words)
        let command = RedisCommand(words: words, wordCount: repetition.wordCount)
        let login = url.password.map { [RedisCommand.login(user: url.user, password: $0)] } ?? []
        var answersLeft = login.count + 2
        let conversation = RedisConversation(
            with: address, by: RedisDialer(eventLoop: eventLoop, timeout: options.commandTimeout, tls: dialer.tls),
            commands: login + [RedisCommand("ASKING"), command]
        ) { reply in
            answersLeft -= 1
            guard answersLeft == 0 else { return }
            if let error = reply.error { call.fail(error) } else { call.complete(with: reply) }
        }
        conversation.ended.assumeIsolated().whenFailure { error in
            let reason = (error as? RedisError)?.sentence ?? "\(error)"
            if conversation.wasSent { call.failSent(reason) } else { call.fail(.unavailable(reason)) }
        }
    }

    /// The link is where it was sent to, or not: what was refused elsewhere is said again, or given up.
    func finishRedirection(_ failure: String?) {
        let calls = redirected
        redirected = []
        for call in calls {
            if let failure { call.fail(.unavailable(failure)) } else { say(again: call) }
        }
    }

    /// The sentinels say that the master moved: away from the old one at once, and to the new one.
    func heed(_ news: SentinelNews) {
        guard !link.isStopped else { return }
        if purpose.role == .replica {
            // A replica of the old master will follow the new one.
            guard !link.isReady || server == news.old else { return }
        } else {
            guard server != news.new || !isConnected else { return }
        }
        connectAnew("the sentinels say that the master is at \(news.new) now")
    }

    /// Looks whether the link is where the sentinels say, since news may have been missed.
    func checkPlace() {
        guard purpose.role != .replica, isConnected, let server else { return }
        locator.locate().assumeIsolated().whenSuccess { address in
            guard address != server, self.server == server, self.isConnected else { return }
            self.connectAnew("the sentinels say that the master is at \(address)")
        }
    }

    /// Gives up the connection, or the attempt to make one, and begins another without waiting.
    private func connectAnew(_ reason: String) {
        lose(reason)
        link.hurry()
        attemptTimer?.cancel()
        start()
    }

    private var isConnected: Bool { handler != nil }
}
