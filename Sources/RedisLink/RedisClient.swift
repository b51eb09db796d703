public import Logging
public import NIOCore

/// A ``RedisConnection`` to one Redis for every event loop, so that a call never leaves its loop.
public final class RedisClient: Sendable {
    public let url: RedisURL

    private let slots: [Slot]
    private let stopped: AsyncStream<Void>
    private let stop: AsyncStream<Void>.Continuation

    /// A loop's place for its connection, filled on the loop when it is asked for first.
    private struct Slot: Sendable {
        var eventLoop: any EventLoop
        var connection: NIOLoopBoundBox<RedisConnection?>
        var make: @Sendable () -> RedisConnection

        /// Called on the loop.
        func get() -> RedisConnection {
            if let made = connection.value { return made }
            let made = make()
            connection.value = made
            return made
        }
    }

    /// Nothing is connected before ``run()``; `scripts` are all that connections will be asked to call.
    public init(
        url: RedisURL, options: RedisOptions = RedisOptions(), scripts: [RedisScript] = [],
        eventLoops: [any EventLoop], logger: Logger
    ) {
        self.url = url
        slots = eventLoops.enumerated().map { index, loop in
            var logger = logger
            // All loops see the same Redis come and go: one of them says so.
            if index > 0 { logger.logLevel = .error }
            return Slot(eventLoop: loop, connection: .makeEmptyBox(valueType: RedisConnection.self, eventLoop: loop)) {
                [logger] in
                RedisConnection(url: url, options: options, scripts: scripts, eventLoop: loop, logger: logger)
            }
        }
        (stopped, stop) = AsyncStream.makeStream()
    }

    /// The connection of the loop that the caller is on.
    public func connection(on eventLoop: any EventLoop) -> RedisConnection {
        guard let slot = slots.first(where: { $0.eventLoop === eventLoop }) else {
            preconditionFailure("the loop is none of those that the client was made with")
        }
        return slot.get()
    }

    /// Connects on every loop, and keeps connected until ``shutdown()`` or cancellation.
    public func run() async throws {
        for slot in slots { try await slot.eventLoop.submit { slot.get().start() }.get() }
        for await _ in stopped {}
        for slot in slots { try await slot.eventLoop.flatSubmit { slot.get().close() }.get() }
    }

    /// Ends ``run()``: what is in flight fails by what is known of it.
    public func shutdown() { stop.finish() }

    /// Waits until every loop is connected; throws ``RedisError/unavailable(_:)`` when the time is over.
    public func ready(within limit: Duration) async throws(RedisError) {
        for slot in slots {
            do {
                try await slot.eventLoop.flatSubmit {
                    let connection = slot.get()
                    let promise = slot.eventLoop.makePromise(of: Void.self)
                    let timer = slot.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
                        promise.fail(RedisError.unavailable(connection.lastProblem))
                    }
                    let ready = connection.whenReady()
                    ready.whenComplete { _ in timer.cancel() }
                    ready.cascade(to: promise)
                    return promise.futureResult
                }.get()
            } catch {
                throw error as? RedisError ?? .unavailable("\(error)")
            }
        }
    }

    /// Sends a command where speed does not matter; an error answer is thrown.
    public func call(_ words: [String]) async throws(RedisError) -> RedisValue {
        do {
            let slot = slots[0]
            return try await slot.eventLoop.flatSubmit {
                slot.get().send(RedisCommand(words)) { reply throws(RedisError) in try RedisValue(reply) }
            }.get()
        } catch {
            throw error as? RedisError ?? .unavailable("\(error)")
        }
    }

    /// Sends a command where speed does not matter; an error answer is thrown.
    public func call(_ words: String...) async throws(RedisError) -> RedisValue { try await call(words) }
}
