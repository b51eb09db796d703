import NIOCore
import NIOPosix
import NIOSSL

/// Opens sockets to a server.
struct Connector {
    let eventLoop: any EventLoop
    let timeout: TimeAmount
    let tls: ClientTLS

    /// A connected channel on our event loop, without any handler of ours yet; with TLS its handshake is over.
    func connect(to address: ServerAddress) -> EventLoopFuture<any Channel> {
        switch address {
        case .tcp(let host, let port):
            return tcpBootstrap.connect(host: host, port: port)
        case .tls(let host, let port):
            return connectTLS(host, port)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private var bootstrap: ClientBootstrap { ClientBootstrap(group: eventLoop).connectTimeout(timeout) }

    /// Calls are small and are waited for: they leave at once.
    private var tcpBootstrap: ClientBootstrap {
        bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).channelOption(
            .socketOption(.so_keepalive), value: 1)
    }

    private func connectTLS(_ host: String, _ port: Int) -> EventLoopFuture<any Channel> {
        let context: NIOSSLContext
        do throws(ClientTLSError) {
            context = try tls.makeContext()
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let (serverName, timeout) = (tls.serverName(for: host), timeout)
        return tcpBootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    try NIOSSLClientHandler(context: context, serverHostname: serverName),
                    HandshakeWait(timeout: timeout),
                ])
            }
        }.connect(host: host, port: port).flatMap { channel in
            let wait = try? channel.pipeline.syncOperations.handler(type: HandshakeWait.self).take()
            // Without the handler the connection is gone again.
            guard let wait else { return channel.eventLoop.makeFailedFuture(ChannelError.eof) }
            return wait.map { channel }
        }
    }
}
