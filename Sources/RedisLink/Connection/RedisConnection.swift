internal import DequeModule
internal import Logging
public import NIOCore

/// The link of one event loop to one Redis, wherever that is: pipelined, reconnecting, without a queue for bad times.
///
/// Everything is called on ``eventLoop`` and answers there. What is sent within one tick of the loop goes to the socket
/// together at the tick's end. While the link is down every call fails at once with ``RedisError/unavailable(_:)``.
/// Every future fails with a ``RedisError`` only.
public final class RedisConnection {
    /// The loop of every call and every answer.
    public let eventLoop: any EventLoop
    let url: RedisURL
    let options: RedisOptions
    let purpose: Handshake.Purpose
    /// Whose messages the link gets; nil: it is one for commands.
    let subscription: Subscription?
    let inspection: RedisInspection?
    let logger: Logger
    let dialer: RedisDialer
    let locator: RedisLocator

    var link: LinkState
    var handler: RedisChannelHandler<RedisConnection>?
    /// The server that the link is connected to, or is about to be.
    var server: RedisURL.Address?
    /// The node of a cluster that the link was sent to; nil: the next one has to be looked for.
    var nextServer: RedisURL.Address?
    /// Calls that another node refused, to be repeated when the link is there.
    var redirected: [any PendingCall] = []
    var handshake: Handshake?
    /// For each script that Redis knows: `EVALSHA` and its digest.
    var scriptHeads: [ObjectIdentifier: ByteBuffer] = [:]
    var waiters = ReadyWaiters()
    /// Whether the log was told that the channel is refused, since it was listened to last.
    var saidRefused = false
    /// Why the link is down, for who calls meanwhile.
    var downReason = "not connected yet"
    var attemptTimer: Scheduled<Void>?
    var pingTimer: Scheduled<Void>?
    /// Succeeds when the last connection is closed; nil while the link lives.
    var ended: EventLoopFuture<Void>?

    /// Sent and unanswered ones, oldest first, then those whose batch is not handed to the socket yet.
    private var calls: Deque<any PendingCall> = []
    private var unsentCount = 0
    private var batch: CommandBatch?
    private var batchCapacity = CommandBatch.capacityMin
    private var flushIsScheduled = false
    private var answerTimer: Scheduled<Void>?
    /// Whether replicas are waited for: Redis reads nothing more from this connection meanwhile, so nothing more is sent.
    private var awaitsReplicas = false

    /// In a cluster nobody tells of a failover: it is asked for this often.
    private static let clusterBackoffMax = Duration.milliseconds(500)

    init(
        eventLoop: any EventLoop, url: RedisURL, placement: RedisPlacement, options: RedisOptions,
        scripts: [RedisScript], subscription: Subscription? = nil, inspection: RedisInspection? = nil,
        tls: TLSContexts?, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.url = url
        self.options = options
        var role = placement.role ?? url.role
        if case .one = url.servers {} else { role = role ?? .master }
        purpose = Handshake.Purpose(
            role: role, isCluster: url.isCluster, scripts: scripts, channels: subscription?.channels ?? [],
            awaitsReplicas: options.minReplicas > 0, inspection: inspection?.commands ?? [])
        self.subscription = subscription
        self.inspection = inspection
        self.logger = logger
        dialer = RedisDialer(eventLoop: eventLoop, timeout: options.connectTimeout, tls: tls)
        locator = RedisLocator(url: url, placement: placement, dialer: dialer)
        self.link = LinkState(
            backoffMin: options.backoffMin,
            backoffMax: url.isCluster ? min(options.backoffMax, Self.clusterBackoffMax) : options.backoffMax)
    }

    /// Whether a command would be sent now.
    public var isReady: Bool { link.isReady }

    /// Sends a command and decodes its answer.
    ///
    /// An error answer fails the future with ``RedisError/reply(code:message:)``; `decode` never sees it.
    public func send<Value>(
        _ command: RedisCommand, decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) -> EventLoopFuture<Value> {
        eventLoop.assertInEventLoop()
        guard link.isReady else { return eventLoop.makeFailedFuture(RedisError.unavailable(downReason)) }
        let batch = openBatch()
        batch.writer.buffer.writeRESPArray(command.wordCount)
        let start = batch.writer.buffer.writerIndex
        batch.writer.buffer.writeImmutableBuffer(command.words)
        let repetition = Repetition(
            script: nil, wordCount: command.wordCount, start: start, end: batch.writer.buffer.writerIndex)
        let promise = eventLoop.makePromise(of: Value.self)
        enqueue(
            TypedCall(
                batch: batch, readOnly: command.readOnly, repetition: repetition, promise: promise, decode: decode))
        return promise.futureResult
    }

    /// Calls a script and decodes its answer.
    ///
    /// `KEYS` are the fixed `keys`, then `callKeys` keys of this call's own; `ARGV` are `arguments` words. `fill` appends
    /// the call's own keys, then the arguments: exactly as many as were announced, and it does nothing else with the link.
    /// Where Redis does not know the script (any more) the call is repeated with the source, behind what was sent meanwhile.
    ///
    /// Where ``RedisOptions/minReplicas`` are not reached, a call whose script awaits them fails with
    /// ``RedisError/outcomeUnknown(_:)``; or it is answered with what `unconfirmed` makes of its answer and that error.
    public func evaluate<Value>(
        _ script: RedisScript, keys: RedisKeys, callKeys: Int = 0, arguments: Int,
        _ fill: (inout RedisArguments) -> Void = { _ in },
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value,
        unconfirmed: ((Value, RedisError) -> Value)? = nil
    ) -> EventLoopFuture<Value> {
        eventLoop.assertInEventLoop()
        guard link.isReady else { return eventLoop.makeFailedFuture(RedisError.unavailable(downReason)) }
        let batch = openBatch()
        let wordCount = 3 + keys.count + callKeys + arguments
        let head = scriptHeads[ObjectIdentifier(script)]
        batch.writer.buffer.writeRESPArray(wordCount)
        batch.writer.buffer.writeImmutableBuffer(head ?? script.evalHead)
        let start = batch.writer.buffer.writerIndex
        batch.writer.writeKeys(keys, callKeys: callKeys)
        let countBefore = batch.writer.count
        fill(&batch.writer)
        precondition(
            batch.writer.count - countBefore == callKeys + arguments,
            "a call of the script \(script.name) announced \(callKeys + arguments) words and wrote others")
        let repetition = Repetition(
            script: script, wordCount: wordCount, start: start, end: batch.writer.buffer.writerIndex)
        if options.minReplicas > 0, script.awaitsReplicas { batch.awaitsReplicas = true }
        let promise = eventLoop.makePromise(of: Value.self)
        enqueue(
            TypedCall(
                batch: batch, readOnly: script.readOnly, awaitsReplicas: script.awaitsReplicas,
                repetition: repetition, promise: promise, decode: decode, unconfirmed: unconfirmed))
        return promise.futureResult
    }
}

extension RedisConnection {
    /// Calls a script with words that are at hand: `KEYS` are the fixed keys, then `callKeys`; `ARGV` are `arguments`.
    public func evaluate<Value>(
        _ script: RedisScript, keys: RedisKeys, _ callKeys: [String], _ arguments: [RedisArgument],
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) -> EventLoopFuture<Value> {
        evaluate(
            script, keys: keys, callKeys: callKeys.count, arguments: arguments.count,
            { words in
                for key in callKeys { words.append(key) }
                for argument in arguments { words.append(argument) }
            }, decode: decode)
    }
}

// MARK: - Sending

extension RedisConnection {
    private func openBatch() -> CommandBatch {
        if let batch { return batch }
        let batch = CommandBatch(capacity: batchCapacity)
        self.batch = batch
        return batch
    }

    private func enqueue(_ call: any PendingCall) {
        calls.append(call)
        unsentCount += 1
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush() {
        flushIsScheduled = false
        guard let handler, let batch, !awaitsReplicas else { return }
        self.batch = nil
        unsentCount = 0
        batch.deadline = .now() + TimeAmount(options.commandTimeout)
        if batch.awaitsReplicas { addWait(to: batch) }
        let bytes = batch.writer.buffer
        batchCapacity = min(max(bytes.readableBytes, CommandBatch.capacityMin), CommandBatch.capacityMax)
        handler.send(bytes)
        watchOldest()
    }

    /// One `WAIT` covers all that the batch writes, and what was written before, by whomever.
    private func addWait(to batch: CommandBatch) {
        let command = ReplicaWait.command(replicas: options.minReplicas, timeout: options.replicaTimeout)
        batch.writer.buffer.writeRESPArray(command.wordCount)
        batch.writer.buffer.writeImmutableBuffer(command.words)
        batch.deadline = batch.deadline + TimeAmount(options.replicaTimeout)
        calls.append(ReplicaWait(batch: batch, replicas: options.minReplicas, timeout: options.replicaTimeout))
        awaitsReplicas = true
    }

    /// Keeps a timer on the oldest call in flight.
    private func watchOldest() {
        guard answerTimer == nil, calls.count > unsentCount, let oldest = calls.first else { return }
        answerTimer = eventLoop.assumeIsolated().scheduleTask(deadline: oldest.batch.deadline) {
            self.answerTimer = nil
            guard self.calls.count > self.unsentCount, let oldest = self.calls.first else { return }
            if oldest.batch.deadline <= .now() {
                self.lose("Redis did not answer within \(self.options.commandTimeout)")
            } else {
                self.watchOldest()
            }
        }
    }
}

// MARK: - Answers

extension RedisConnection: RedisChannelOwner {
    func receive(_ reply: borrowing RedisReply) {
        guard handshake == nil else { return receiveInHandshake(reply) }
        if let subscription, subscription.take(reply) { return }
        guard calls.count > unsentCount, let call = calls.popFirst() else {
            return lose("its answer is malformed: an answer to no command")
        }
        if awaitsReplicas, call is ReplicaWait {
            awaitsReplicas = false
            if batch != nil { flush() }
        }
        if let error = reply.error {
            refuse(call, error)
        } else if call.awaitsReplicas, call.batch.awaitsReplicas {
            call.hold(reply)
            call.batch.held.append(call)
        } else {
            call.complete(with: reply)
        }
        if let reason = link.drainReason, calls.isEmpty { lose(reason) }
    }

    private func refuse(_ call: any PendingCall, _ error: RedisError) {
        if case .reply("NOSCRIPT", _) = error, call.repetition?.script != nil {
            guard link.isReady else { return call.fail(.unavailable(link.drainReason ?? downReason)) }
            return say(again: call)
        }
        if url.isCluster, let redirection = ClusterRedirection(error, from: server) {
            return follow(redirection, call, error)
        }
        if error.asksForReconnection, link.isReady {
            downReason = error.description
            link.drain(downReason)
            let unsent = takeUnsent()
            call.fail(error)
            for call in unsent { call.fail(.unavailable(downReason)) }
            return
        }
        call.fail(error)
    }

    /// Sends a call that was refused without being done, behind what was sent meanwhile; it is not said a third time.
    func say(again call: any PendingCall) {
        guard let repetition = call.repetition else { preconditionFailure("a call was to be said a third time") }
        let batch = openBatch()
        repetition.write(from: call.batch, to: &batch.writer.buffer)
        if options.minReplicas > 0, call.awaitsReplicas { batch.awaitsReplicas = true }
        call.batch = batch
        call.repetition = nil
        enqueue(call)
    }

    /// Fails all calls by what is known of each.
    func failCalls(_ reason: String) {
        answerTimer?.cancel()
        answerTimer = nil
        awaitsReplicas = false
        let unsent = takeUnsent()
        let sent = calls
        calls = []
        for call in sent { call.failSent(reason) }
        for call in unsent { call.fail(.unavailable(reason)) }
    }

    /// Calls that Redis has not seen; they are the caller's from now on.
    func takeUnsent() -> [any PendingCall] {
        let unsent = Array(calls.suffix(unsentCount))
        calls.removeLast(unsentCount)
        unsentCount = 0
        batch = nil
        return unsent
    }
}
