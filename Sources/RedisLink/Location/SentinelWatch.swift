internal import Logging
internal import NIOCore

/// Listens to all sentinels of a master, and tells its links at once when it moved.
final class SentinelWatch: Sendable {
    private let eventLoop: any EventLoop
    private let sentinels: NIOLoopBoundBox<[RedisConnection]>

    /// Listens on the loop of the first link; nil where the URL names no sentinels.
    init?(
        _ url: RedisURL, options: RedisOptions, tls: TLSContexts?, links: [NIOLoopBoundBox<RedisConnection>],
        logger: Logger
    ) {
        guard case .sentinel(let group) = url.servers, let eventLoop = links.first?.eventLoop else { return nil }
        self.eventLoop = eventLoop
        var logger = logger
        // Some of the sentinels may be away: that is what there are several for.
        logger.logLevel = .critical
        var options = options
        options.minReplicas = 0
        let master = group.master
        let subscription = Subscription(
            channels: SentinelNews.channels,
            onReady: { SentinelWatch.tell(links) { $0.checkPlace() } },
            onMessage: { message in
                guard let news = SentinelNews(message), news.name == master else { return }
                SentinelWatch.tell(links) { $0.heed(news) }
            })
        let connections = group.addresses.map { address in
            RedisConnection(
                eventLoop: eventLoop,
                url: RedisURL(address: address, user: group.user, password: group.password),
                placement: RedisPlacement(), options: options, scripts: [], subscription: subscription, tls: tls,
                logger: logger)
        }
        sentinels = .makeBoxSendingValue(connections, eventLoop: eventLoop)
    }

    func start() {
        eventLoop.execute { [self] in
            for sentinel in sentinels.value { sentinel.start() }
        }
    }

    func stop() -> EventLoopFuture<Void> {
        eventLoop.flatSubmit { [self] in
            EventLoopFuture.andAllComplete(sentinels.value.map { $0.stop() }, on: eventLoop)
        }
    }

    private static func tell(
        _ links: [NIOLoopBoundBox<RedisConnection>], _ body: @escaping @Sendable (RedisConnection) -> Void
    ) {
        for link in links { link.eventLoop.execute { body(link.value) } }
    }
}
