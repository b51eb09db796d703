internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Makes connections for one event loop, encrypted where that is asked for.
struct RedisDialer {
    let eventLoop: any EventLoop
    let timeout: Duration
    /// Nil: in plain text.
    let tls: TLSContexts?

    /// A connection whose answers go to an `Owner`, once one is attached to its handler.
    func connect<Owner: RedisChannelOwner>(
        to address: RedisURL.Address, for owner: Owner.Type
    ) -> EventLoopFuture<any Channel> {
        let tls = tls
        var host: String?
        if case .tcp(let name, _) = address { host = name }
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { [host] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler(host: host)) }
                    try channel.pipeline.syncOperations.addHandler(RedisChannelHandler<Owner>())
                }
            }
        switch address {
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
}
