import Glibc
public import NIOCore

/// Asks the kernel whether a client's own kernel has all that was written to a TCP connection.
///
/// For a client that closed its sending side, or is gone, nothing else tells: its machine says the same in both cases, and a
/// write succeeds as soon as the bytes are in a buffer of ours. What comes for one that is gone its machine refuses.
public struct DeliveryCheck {
    /// What is known.
    public enum Outcome: Sendable {
        /// The client's kernel has everything.
        case delivered
        /// It has not, and never will: the connection is gone, and some of it has not even been sent.
        case refused
        /// The connection is gone, and all was sent: a client may have read the last of it and reset the connection, before its
        /// kernel said so to ours.
        case uncertain
        /// Some of it is on its way, or waits here until the client takes more.
        case pending
    }

    /// How long to wait before asking again, at first; then twice as long each time.
    private static let firstPause = TimeAmount.milliseconds(5)
    private static let lastPause = TimeAmount.milliseconds(320)

    private let channel: any Channel
    private let options: any SocketOptionProvider

    /// Nil where the channel is no TCP connection: a unix socket's write fails where nobody is there.
    public init?(_ channel: any Channel) {
        guard channel.localAddress?.port != nil, let options = channel as? any SocketOptionProvider else { return nil }
        self.channel = channel
        self.options = options
    }

    /// Looks once, on the channel's loop, and at once; of a connection that is closed on this side nothing is known.
    public func look(_ body: @escaping (Outcome) -> Void) {
        guard channel.isActive, let unsent = try? channel.syncOptions?.getOption(.bufferedWritableBytes) else {
            return body(.uncertain)
        }
        guard unsent == 0 else { return body(.pending) }
        tcpInfo().assumeIsolated().whenComplete { result in body((try? result.get().outcome) ?? .uncertain) }
    }

    /// Looks until it is known whether everything was delivered, on the channel's loop; at once where it is known already.
    ///
    /// The connection's own limits of time see to it that it becomes known. For a client that sends no more: one that is there has
    /// its kernel say what it has.
    public func whenKnown(_ body: @escaping (_ isDelivered: Bool) -> Void) {
        whenKnown(pause: DeliveryCheck.firstPause, body)
    }

    private func whenKnown(pause: TimeAmount, _ body: @escaping (Bool) -> Void) {
        look { outcome in
            switch outcome {
            case .delivered: body(true)
            case .refused, .uncertain: body(false)
            case .pending:
                channel.eventLoop.assumeIsolated().scheduleTask(in: pause) {
                    whenKnown(pause: min(pause + pause, DeliveryCheck.lastPause), body)
                }
            }
        }
    }

    private func tcpInfo() -> EventLoopFuture<TCPInfo> {
        options.unsafeGetSocketOption(level: SocketOptionLevel(IPPROTO_TCP), name: SocketOptionName(TCP_INFO))
    }
}

/// The kernel's `struct tcp_info`, of which libc knows only the beginning; what a kernel does not know of it stays 0.
private struct TCPInfo: Sendable {
    let state: UInt8
    private let options: InlineArray<7, UInt8>
    private let sizes: InlineArray<4, UInt32>
    let segmentsUnacknowledged: UInt32
    private let path: InlineArray<19, UInt32>
    private let pacing: InlineArray<2, UInt64>
    let bytesAcknowledged: UInt64
    private let bytesReceived: UInt64
    private let segments: InlineArray<2, UInt32>
    let bytesNotSent: UInt32
    private let dataSegments: InlineArray<3, UInt32>
    private let times: InlineArray<4, UInt64>
    private let deliveries: InlineArray<2, UInt32>
    let bytesSent: UInt64
    let bytesSentAgain: UInt64

    var outcome: DeliveryCheck.Outcome {
        let hasSentAll = segmentsUnacknowledged == 0 && bytesNotSent == 0
        // Of what is closed the segments are forgotten, and only sums are left.
        guard Int(state) == Int(TCP_CLOSE) else { return hasSentAll ? .delivered : .pending }
        let isAcknowledged = bytesAcknowledged + bytesSentAgain >= bytesSent
        guard hasSentAll else { return .refused }
        return isAcknowledged ? .delivered : .uncertain
    }
}
