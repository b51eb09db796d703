public import Logging
public import NIOCore
internal import Synchronization

/// A ``RedisConnection`` to one Redis for each of some event loops.
///
/// ``start()`` or ``run()`` begins to connect; ``shutdown()``, or the end of ``run()``, has to come before the loops end.
public final class RedisClient: Sendable {
    /// Where the Redis is.
    public let url: RedisURL
    private let links: [NIOLoopBoundBox<RedisConnection>]
    /// Where the URL names sentinels.
    private let watch: SentinelWatch?
    private let indices: [ObjectIdentifier: Int]
    private let turn = Atomic(0)
    private let isRunning = Atomic(false)
    private let (ended, ending) = AsyncStream.makeStream(of: Never.self)

    /// Makes the links; none connects yet.
    ///
    /// - Parameters:
    ///   - url: Where the Redis is.
    ///   - placement: Which server it has to be, where there are several.
    ///   - options: The time-outs.
    ///   - scripts: What is loaded on every new connection; other scripts can be called too, at the cost of their source.
    ///   - inspection: What is asked on every new connection before it is used.
    ///   - eventLoops: One link is made for each; at least one.
    ///   - logger: Is told when a link goes down and when it comes back.
    public init(
        url: RedisURL, placement: RedisPlacement = RedisPlacement(), options: RedisOptions = RedisOptions(),
        scripts: [RedisScript] = [], inspection: RedisInspection? = nil, eventLoops: [any EventLoop], logger: Logger
    ) {
        precondition(!eventLoops.isEmpty, "a client needs an event loop")
        self.url = url
        let tls = url.tls.map { TLSContexts($0) }
        let links = eventLoops.enumerated().map { index, loop in
            var logger = logger
            // All loops see the same Redis come and go: one of them says so.
            if index > 0 { logger.logLevel = .error }
            return NIOLoopBoundBox.makeBoxSendingValue(
                RedisConnection(
                    eventLoop: loop, url: url, placement: placement, options: options, scripts: scripts,
                    inspection: inspection, tls: tls, logger: logger),
                eventLoop: loop)
        }
        self.links = links
        watch = SentinelWatch(url, options: options, tls: tls, links: links, logger: logger)
        self.indices = Dictionary(
            eventLoops.enumerated().map { (ObjectIdentifier($0.element), $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Makes the links, one for each loop of a group; none connects yet.
    public convenience init(
        url: RedisURL, placement: RedisPlacement = RedisPlacement(), options: RedisOptions = RedisOptions(),
        scripts: [RedisScript] = [], group: any EventLoopGroup, logger: Logger
    ) {
        self.init(
            url: url, placement: placement, options: options, scripts: scripts,
            eventLoops: Array(group.makeIterator()), logger: logger)
    }

    /// The link of a loop, which must be one of the client's and the caller's own.
    public func connection(on eventLoop: any EventLoop) -> RedisConnection {
        guard let index = indices[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("the client has no link on this event loop")
        }
        return links[index].value
    }

    /// Begins to connect on every loop, and from then on stays connected.
    public func start() {
        for link in links { link.eventLoop.execute { link.value.start() } }
        watch?.start()
    }

    /// Connects and stays connected until ``shutdown()`` is called or the task is cancelled; then closes and returns.
    ///
    /// A Redis that is away is waited for. May run once.
    public func run() async throws {
        guard isRunning.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            preconditionFailure("a Redis client was run twice")
        }
        start()
        for await _ in ended {}
        var futures = links.map { link in link.eventLoop.flatSubmit { link.value.stop() } }
        if let watch { futures.append(watch.stop()) }
        // A channel that did not close well is closed as well.
        try? await EventLoopFuture.andAllComplete(futures, on: links[0].eventLoop).get()
    }

    /// Waits until every loop is connected; throws ``RedisError/unavailable(_:)`` where that takes longer.
    public func ready(within limit: Duration) async throws(RedisError) {
        let futures = links.map { link in link.eventLoop.flatSubmit { link.value.whenReady(within: limit) } }
        try await answer(of: EventLoopFuture.andAllSucceed(futures, on: links[0].eventLoop))
    }

    /// Closes every connection and fails what is in flight by what is known of it; nothing connects again.
    ///
    /// Returns at once; ``run()`` returns when it is done.
    public func shutdown() {
        ending.finish()
        for link in links { link.eventLoop.execute { _ = link.value.stop() } }
        if let watch { _ = watch.stop() }
    }

    /// Sends a command on one of the links and awaits its answer, copied; an error answer is thrown.
    public func call(_ name: String, _ arguments: String...) async throws(RedisError) -> RedisValue {
        try await call(RedisCommand(name, arguments.map { RedisArgument.text($0) }))
    }

    /// Sends a command on one of the links and awaits its answer, copied; an error answer is thrown.
    public func call(_ words: [String]) async throws(RedisError) -> RedisValue {
        try await call(RedisCommand(words))
    }

    /// Sends a command on one of the links and awaits its answer, copied; an error answer is thrown.
    public func call(_ name: String, _ arguments: [RedisArgument]) async throws(RedisError) -> RedisValue {
        try await call(RedisCommand(name, arguments))
    }

    /// Sends a command on one of the links and awaits its answer, copied; an error answer is thrown.
    public func call(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        let link = nextLink()
        return try await answer(
            of: link.eventLoop.flatSubmit {
                link.value.send(command) { reply throws(RedisError) in try RedisValue(reply) }
            })
    }

    /// Calls a script on one of the links and awaits its answer, copied; an error answer is thrown.
    public func evaluate(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument] = []
    ) async throws(RedisError) -> RedisValue {
        let link = nextLink()
        return try await answer(
            of: link.eventLoop.flatSubmit {
                link.value.evaluate(
                    script, keys: RedisKeys(keys), arguments: arguments.count,
                    { words in for argument in arguments { words.append(argument) } },
                    decode: { reply throws(RedisError) in try RedisValue(reply) })
            })
    }

    private func nextLink() -> NIOLoopBoundBox<RedisConnection> {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return links[Int(UInt(bitPattern: turn) % UInt(links.count))]
    }

    private func answer<Value: Sendable>(of future: EventLoopFuture<Value>) async throws(RedisError) -> Value {
        do {
            return try await future.get()
        } catch let error as RedisError {
            throw error
        } catch {
            // An event loop that has ended answers with an error of its own; nothing was sent.
            throw .unavailable("\(error)")
        }
    }
}
