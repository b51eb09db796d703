import NIOCore
import NIOPosix

/// Opens sockets to a server.
struct Connector {
    let eventLoop: any EventLoop
    let timeout: TimeAmount

    /// A connected channel on our event loop, without any handler yet.
    func connect(to address: ServerAddress) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(timeout)
        switch address {
        case .tcp(let host, let port):
            // Calls are small and are waited for: they leave at once.
            return bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .connect(host: host, port: port)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }
}
