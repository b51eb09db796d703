import Glibc
public import NIOCore

/// How a door notices that a client is gone without a word: its machine lost power, or a router forgot it.
///
/// Until then the client counts as one that waits, a task that is sent to it counts as delivered, and its connection is one
/// of those that a server may have.
public enum ClientKeepAlive {
    /// After so long without a byte the client is asked whether it is there.
    static let idleSeconds = 30
    /// It is asked again after so long without an answer.
    static let intervalSeconds = 10
    /// After so many questions without an answer it is gone.
    static let probes = 3
    /// A client that takes nothing of what is sent for so long is gone too.
    static let unacknowledgedMilliseconds = 60_000

    /// Sets the options of a client's TCP connection; leaves others, such as those over a unix socket, as they are.
    public static func enable(on channel: any Channel) -> EventLoopFuture<Void> {
        guard let address = channel.remoteAddress ?? channel.localAddress, address.port != nil else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        let options: [(name: CInt, value: Int)] = [
            (TCP_KEEPIDLE, idleSeconds), (TCP_KEEPINTVL, intervalSeconds), (TCP_KEEPCNT, probes),
            (TCP_USER_TIMEOUT, unacknowledgedMilliseconds),
        ]
        var settings = [channel.setOption(.socketOption(.so_keepalive), value: 1)]
        settings += options.map { option in
            channel.setOption(.tcpOption(.init(rawValue: option.name)), value: option.value)
        }
        // A connection that is gone already needs none.
        return EventLoopFuture.andAllComplete(settings, on: channel.eventLoop)
    }
}
