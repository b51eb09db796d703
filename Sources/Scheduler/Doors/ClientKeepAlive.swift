import DMSModel
import Glibc
public import NIOCore

/// How a door notices that a client is gone without a word: its machine lost power, or a router forgot it.
///
/// Until then the client counts as one that waits, a task that is sent to it counts as delivered, and its connection is one
/// of those that a server may have.
public enum ClientKeepAlive {
    /// Sets the options of a client's TCP connection; leaves others, such as those over a unix socket, as they are.
    public static func enable(on channel: any Channel) -> EventLoopFuture<Void> {
        guard let address = channel.remoteAddress ?? channel.localAddress, address.port != nil else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        let options: [(name: CInt, value: Int)] = [
            // Each at its own time: of thousands that began at once, all probes would go out at once, and a network, or the loopback's
            // queue of 1 000 packets, drops what is too much; and then those connections are taken for dead, with all their clients there.
            (TCP_KEEPIDLE, Int.random(in: Limits.Connections.keepAliveIdleSeconds)),
            (TCP_KEEPINTVL, Limits.Connections.keepAliveIntervalSeconds),
            (TCP_KEEPCNT, Limits.Connections.keepAliveProbes),
            (TCP_USER_TIMEOUT, Limits.Connections.unacknowledgedMilliseconds),
        ]
        var settings = [channel.setOption(.socketOption(.so_keepalive), value: 1)]
        settings += options.map { option in
            channel.setOption(.tcpOption(.init(rawValue: option.name)), value: option.value)
        }
        // A connection that is gone already needs none.
        return EventLoopFuture.andAllComplete(settings, on: channel.eventLoop)
    }
}
