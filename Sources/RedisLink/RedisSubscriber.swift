public import Logging
public import NIOCore
internal import Synchronization

/// The messages of one channel of Redis, on one event loop.
///
/// A connection of its own, which comes back when it is lost. Messages that are sent meanwhile are lost: `onReady` says when
/// that may have happened.
public final class RedisSubscriber: Sendable {
    private let link: NIOLoopBoundBox<RedisConnection>
    /// Where the URL names sentinels.
    private let watch: SentinelWatch?
    private let isRunning = Atomic(false)
    private let (ended, ending) = AsyncStream.makeStream(of: Never.self)

    /// Makes the link; it does not connect yet.
    ///
    /// - Parameters:
    ///   - url: Where the Redis is.
    ///   - placement: Which server it has to be, where there are several.
    ///   - options: The time-outs.
    ///   - channel: The channel's name.
    ///   - eventLoop: Where both closures are called.
    ///   - logger: Is told when the link goes down and when it comes back.
    ///   - onReady: The channel is listened to, for the first time or again.
    ///   - onMessage: A message came.
    public init(
        url: RedisURL, placement: RedisPlacement = RedisPlacement(), options: RedisOptions = RedisOptions(),
        channel: String, eventLoop: any EventLoop, logger: Logger,
        onReady: @escaping @Sendable () -> Void, onMessage: @escaping @Sendable (String) -> Void
    ) {
        let tls = url.tls.map { TLSContexts($0) }
        var logger = logger
        // The links for commands see the same Redis come and go, and say so. What only this link meets is an error.
        logger.logLevel = .error
        let subscription = Subscription(channels: [channel], onReady: onReady, onMessage: onMessage)
        link = NIOLoopBoundBox.makeBoxSendingValue(
            RedisConnection(
                eventLoop: eventLoop, url: url, placement: placement, options: options, scripts: [],
                subscription: subscription, tls: tls, logger: logger),
            eventLoop: eventLoop)
        watch = SentinelWatch(url, options: options, tls: tls, links: [link], logger: logger)
    }

    /// Listens until ``shutdown()`` is called or the task is cancelled.
    ///
    /// May run once.
    public func run() async {
        guard isRunning.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            preconditionFailure("a Redis subscriber was run twice")
        }
        let eventLoop = link.eventLoop
        eventLoop.execute { self.link.value.start() }
        watch?.start()
        for await _ in ended {}
        if let watch { try? await watch.stop().get() }
        try? await eventLoop.flatSubmit { self.link.value.stop() }.get()
    }

    /// Closes the connection; ``run()`` returns.
    public func shutdown() { ending.finish() }
}
