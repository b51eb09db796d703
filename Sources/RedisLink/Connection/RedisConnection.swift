internal import DequeModule
internal import Logging
public import NIOCore

/// The link of one event loop to one Redis: pipelined, reconnecting, without a queue for bad times.
///
/// Everything is called on ``eventLoop`` and answers there. What is sent within one tick of the loop goes to the socket
/// together at the tick's end. While the link is down every call fails at once with ``RedisError/unavailable(_:)``.
/// Every future fails with a ``RedisError`` only.
public final class RedisConnection {
    /// The loop of every call and every answer.
    public let eventLoop: any EventLoop
    let url: RedisURL
    let options: RedisOptions
    let scripts: [RedisScript]
    /// Whose messages the link gets; nil: it is one for commands.
    let subscription: Subscription?
    let logger: Logger

    var link: LinkState
    var handler: RedisChannelHandler?
    var handshake: Handshake?
    /// For each script that Redis knows: `EVALSHA` and its digest.
    var scriptHeads: [ObjectIdentifier: ByteBuffer] = [:]
    var waiters = ReadyWaiters()
    /// Whether the log was told that the channel is refused, since it was listened to last.
    var saidRefused = false
    /// Why the link is down, for who calls meanwhile.
    var downReason = "not connected yet"
    var attemptTimer: Scheduled<Void>?
    /// Succeeds when the last connection is closed; nil while the link lives.
    var ended: EventLoopFuture<Void>?

    /// Sent and unanswered ones, oldest first, then those whose batch is not handed to the socket yet.
    private var calls: Deque<any PendingCall> = []
    private var unsentCount = 0
    private var batch: CommandBatch?
    private var batchCapacity = CommandBatch.capacityMin
    private var flushIsScheduled = false
    private var answerTimer: Scheduled<Void>?

    init(
        eventLoop: any EventLoop, url: RedisURL, options: RedisOptions, scripts: [RedisScript],
        subscription: Subscription? = nil, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.url = url
        self.options = options
        self.scripts = scripts
        self.subscription = subscription
        self.logger = logger
        self.link = LinkState(backoffMin: options.backoffMin, backoffMax: options.backoffMax)
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
        batch.writer.buffer.writeImmutableBuffer(command.words)
        let promise = eventLoop.makePromise(of: Value.self)
        enqueue(TypedCall(batch: batch, readOnly: command.readOnly, promise: promise, decode: decode))
        return promise.futureResult
    }

    /// Calls a script and decodes its answer.
    ///
    /// `KEYS` are the fixed `keys`, then `callKeys` keys of this call's own; `ARGV` are `arguments` words. `fill` appends
    /// the call's own keys, then the arguments: exactly as many as were announced, and it does nothing else with the link.
    /// Where Redis does not know the script (any more) the call is repeated with the source, behind what was sent meanwhile.
    public func evaluate<Value>(
        _ script: RedisScript, keys: RedisKeys, callKeys: Int = 0, arguments: Int,
        _ fill: (inout RedisArguments) -> Void = { _ in },
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
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
        let repetition = ScriptRepetition(
            script: script, wordCount: wordCount, start: start, end: batch.writer.buffer.writerIndex)
        let promise = eventLoop.makePromise(of: Value.self)
        enqueue(
            TypedCall(
                batch: batch, readOnly: script.readOnly, repetition: head == nil ? nil : repetition, promise: promise,
                decode: decode))
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
        guard let handler, let batch else { return }
        self.batch = nil
        unsentCount = 0
        batch.deadline = .now() + TimeAmount(options.commandTimeout)
        let bytes = batch.writer.buffer
        batchCapacity = min(max(bytes.readableBytes, CommandBatch.capacityMin), CommandBatch.capacityMax)
        handler.send(bytes)
        watchOldest()
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

extension RedisConnection {
    func receive(_ reply: borrowing RedisReply) {
        guard handshake == nil else { return receiveInHandshake(reply) }
        if let subscription, subscription.take(reply) { return }
        guard calls.count > unsentCount, let call = calls.popFirst() else {
            return lose("its answer is malformed: an answer to no command")
        }
        if let error = reply.error {
            refuse(call, error)
        } else {
            call.complete(with: reply)
        }
        if let reason = link.drainReason, calls.isEmpty { lose(reason) }
    }

    private func refuse(_ call: any PendingCall, _ error: RedisError) {
        if case .reply("NOSCRIPT", _) = error, let repetition = call.repetition {
            guard link.isReady else { return call.fail(.unavailable(link.drainReason ?? downReason)) }
            let batch = openBatch()
            repetition.write(from: call.batch, to: &batch.writer.buffer)
            call.batch = batch
            call.repetition = nil
            return enqueue(call)
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

    /// Fails all calls by what is known of each.
    func failCalls(_ reason: String) {
        answerTimer?.cancel()
        answerTimer = nil
        let unsent = takeUnsent()
        let sent = calls
        calls = []
        for call in sent { call.failSent(reason) }
        for call in unsent { call.fail(.unavailable(reason)) }
    }

    private func takeUnsent() -> [any PendingCall] {
        let unsent = Array(calls.suffix(unsentCount))
        calls.removeLast(unsentCount)
        unsentCount = 0
        batch = nil
        return unsent
    }
}
