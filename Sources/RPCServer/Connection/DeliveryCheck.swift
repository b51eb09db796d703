import Glibc
import NIOCore

/// Asks the kernel whether the other side of a TCP connection has taken what was sent.
struct DeliveryCheck {
    enum Outcome {
        case delivered
        /// Nobody is there any more.
        case refused
        /// Some of it is under way.
        case pending
    }

    /// How long to wait before asking again.
    static let interval = TimeAmount.milliseconds(5)

    private let options: any SocketOptionProvider

    /// Nil where the channel is no TCP connection: a unix socket's write fails where nobody is there.
    init?(_ channel: any Channel) {
        guard channel.localAddress?.port != nil, let options = channel as? any SocketOptionProvider else { return nil }
        self.options = options
    }

    /// Fails where the connection is gone; on the channel's loop.
    func check() -> EventLoopFuture<Outcome>.Isolated {
        options.getTCPInfo().map { info in
            if Int32(info.tcpi_state) == Int32(TCP_CLOSE) { return Outcome.refused }
            return info.tcpi_unacked == 0 ? Outcome.delivered : Outcome.pending
        }.assumeIsolated()
    }
}
