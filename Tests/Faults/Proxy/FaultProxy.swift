import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// Stands between two processes, passes bytes on, and lets befall the connections what the dealer says.
final class FaultProxy: Sendable {
    private let dealer = Mutex<FaultDealer?>(nil)
    private let upstream = Mutex<SocketAddress?>(nil)
    private let listener = Mutex<(any Channel)?>(nil)

    /// Where it listens, on 127.0.0.1.
    func start() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in
                guard let address = upstream.withLock({ $0 }) else { return channel.close() }
                join(channel, address)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        listener.withLock { $0 = channel }
        guard let port = channel.localAddress?.port else { throw TestFailure("a proxy has no port") }
        return port
    }

    /// Where bytes go from now on; a nil address turns connections away.
    func pointTo(_ address: SocketAddress?) { upstream.withLock { $0 = address } }

    /// Who decides what befalls connections from now on.
    func follow(_ dealer: FaultDealer) { self.dealer.withLock { $0 = dealer } }

    func stop() async {
        let channel = listener.withLock { $0 }
        try? await channel?.close()
    }

    private func join(_ client: any Channel, _ address: SocketAddress) {
        let dealer = dealer.withLock { $0 }
        let fault = dealer?.deal()
        let relay = NIOLoopBoundBox.makeBoxSendingValue(
            Relay(fault: fault, dealer: dealer), eventLoop: client.eventLoop)
        ClientBootstrap(group: client.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(RelayHandler(relay.value, isClient: false))
                }
            }
            .connect(to: address).flatMapThrowing { server in
                try client.pipeline.syncOperations.addHandler(RelayHandler(relay.value, isClient: true))
                relay.value.begin(client: client, server: server)
            }.whenFailure { _ in client.close(promise: nil) }
    }
}

/// Both sides of one connection, on one event loop.
final class Relay {
    private static let call = Array("EVALSHA".utf8)

    private let dealer: FaultDealer?
    private var fault: ConnectionFault?
    private var passed = 0
    /// Whether scripts were called, and not only loaded.
    private var isCalling = false
    private var client: (any Channel)?
    private var server: (any Channel)?
    /// The directions whose bytes are thrown away.
    private var isSwallowed = (forward: false, back: false)
    /// The directions whose bytes wait, and these bytes.
    private var held: (forward: [ByteBuffer]?, back: [ByteBuffer]?) = (nil, nil)
    private var ended = (forward: false, back: false)

    init(fault: ConnectionFault?, dealer: FaultDealer?) {
        self.fault = fault
        self.dealer = dealer
    }

    func begin(client: any Channel, server: any Channel) {
        self.client = client
        self.server = server
        for channel in [client, server] { channel.setOption(.autoRead, value: true).whenFailure { _ in } }
    }

    /// Bytes came on one side.
    func receive(_ bytes: ByteBuffer, isForward: Bool) {
        if isForward, !isCalling { isCalling = bytes.readableBytesView.firstRange(of: Relay.call) != nil }
        guard let fault, fault.isForward == isForward, isCalling || !fault.isBehindScripts else {
            return pass(bytes, isForward)
        }
        let before = fault.afterBytes - passed
        passed += bytes.readableBytes
        guard bytes.readableBytes > before else { return pass(bytes, isForward) }
        self.fault = nil
        guard dealer?.happens(fault.kind) == true else { return pass(bytes, isForward) }
        var rest = bytes
        if let first = rest.readSlice(length: max(before, 0)), first.readableBytes > 0 { pass(first, isForward) }
        befall(fault.action, rest, isForward)
    }

    private func befall(_ action: ConnectionFault.Action, _ rest: ByteBuffer, _ isForward: Bool) {
        switch action {
        case .cut(let byReset): close(byReset: byReset)
        case .halfClose(let time):
            setSwallowed(isForward)
            target(isForward)?.close(mode: .output, promise: nil)
            after(time) { $0.close(byReset: false) }
        case .delay(let time):
            hold(rest, isForward)
            after(time) { $0.release(isForward) }
        case .silence(let time):
            setSwallowed(isForward)
            after(time) { $0.close(byReset: false) }
        case .mute(let time):
            pass(rest, isForward)
            setSwallowed(!isForward)
            after(time) { $0.close(byReset: false) }
        }
    }

    /// One side says that no more will come from it.
    func endOfInput(isForward: Bool) {
        if isForward { ended.forward = true } else { ended.back = true }
        guard (isForward ? held.forward : held.back) == nil else { return }
        let isGone = isForward ? isSwallowed.forward : isSwallowed.back
        if !isGone { target(isForward)?.close(mode: .output, promise: nil) }
        if ended.forward && ended.back { close(byReset: false) }
    }

    func close(byReset: Bool) {
        for channel in [client, server].compactMap(\.self) {
            if byReset, let options = channel as? any SocketOptionProvider {
                options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
            } else {
                channel.close(promise: nil)
            }
        }
    }

    private func pass(_ bytes: ByteBuffer, _ isForward: Bool) {
        if isForward ? isSwallowed.forward : isSwallowed.back { return }
        if isForward, held.forward != nil { return hold(bytes, isForward) }
        if !isForward, held.back != nil { return hold(bytes, isForward) }
        target(isForward)?.writeAndFlush(bytes, promise: nil)
    }

    private func hold(_ bytes: ByteBuffer, _ isForward: Bool) {
        if isForward { held.forward = (held.forward ?? []) + [bytes] } else { held.back = (held.back ?? []) + [bytes] }
    }

    private func release(_ isForward: Bool) {
        let bytes = (isForward ? held.forward : held.back) ?? []
        if isForward { held.forward = nil } else { held.back = nil }
        for part in bytes { pass(part, isForward) }
        if isForward ? ended.forward : ended.back { endOfInput(isForward: isForward) }
    }

    private func setSwallowed(_ isForward: Bool) {
        if isForward { isSwallowed.forward = true } else { isSwallowed.back = true }
    }

    private func target(_ isForward: Bool) -> (any Channel)? { isForward ? server : client }

    private func after(_ time: TimeAmount, _ body: @escaping (Relay) -> Void) {
        client?.eventLoop.assumeIsolated().scheduleTask(in: time) { body(self) }
    }
}

private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let relay: Relay
    private let isClient: Bool

    init(_ relay: Relay, isClient: Bool) {
        self.relay = relay
        self.isClient = isClient
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        relay.receive(unwrapInboundIn(data), isForward: isClient)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { relay.endOfInput(isForward: isClient) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { relay.close(byReset: false) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { relay.close(byReset: true) }
}
