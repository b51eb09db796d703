import DMSClient
import DMSWire
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A server that does what a test tells it: it hands over the calls as they come, and sends what it is given.
final class ScriptedServer: Sendable {
    let address: ServerAddress
    private let channel: any Channel
    private let connections: Connections
    private let calls: AsyncStream<ReceivedCall>

    private init(address: ServerAddress, channel: any Channel, connections: Connections) {
        self.address = address
        self.channel = channel
        self.connections = connections
        calls = connections.calls
    }

    /// A path for a socket that nobody has.
    static func unusedAddress() -> ServerAddress {
        .unix(path: "/tmp/dms-client-\(UUID().uuidString.prefix(13)).sock")
    }

    /// Listens on a unix socket, or on a free port of the loopback interface.
    ///
    /// - Parameter reads: Whether the first connection is read from at all.
    static func start(
        at address: ServerAddress = unusedAddress(), reads: Bool = true, refusesCalls: Bool = false,
        answersPings: Bool = true
    ) async throws -> ScriptedServer {
        let connections = Connections(closesAtOnce: refusesCalls, answersPings: answersPings)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = connections.add(channel)
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptedServerHandler(number: number, connections: connections))
                    if !reads, number == 1 { try channel.syncOptions?.setOption(.autoRead, value: false) }
                }
            }
        let channel: any Channel
        switch address {
        case .unix(let path):
            channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            return ScriptedServer(address: address, channel: channel, connections: connections)
        case .tcp(let host, let port), .tls(let host, let port):
            channel = try await bootstrap.bind(host: host, port: port).get()
            let bound = ServerAddress.tcp(host: host, port: channel.localAddress?.port ?? port)
            return ScriptedServer(address: bound, channel: channel, connections: connections)
        }
    }

    /// The calls in the order in which they came; one reader only.
    func makeCallIterator() -> AsyncStream<ReceivedCall>.Iterator { calls.makeAsyncIterator() }

    /// How many connections were ever accepted.
    var connectionCount: Int { connections.count }

    /// The frames so far that are no calls, of all connections.
    var extensionFrames: [Frame] { connections.extensionFrames }

    /// The connection of that number, from 1 on, once it is there.
    func connection(_ number: Int) async throws -> any Channel {
        try await eventually { self.connections.channel(number) }
    }

    /// Closes everything.
    func stop() async {
        await connections.closeAll()
        try? await channel.close()
        if case .unix(let path) = address { try? FileManager.default.removeItem(atPath: path) }
    }
}

/// The connections of a server, and the stream of its calls.
final class Connections: Sendable {
    let calls: AsyncStream<ReceivedCall>
    let closesAtOnce: Bool
    let answersPings: Bool
    private let frames = Mutex<[Frame]>([])
    private let continuation: AsyncStream<ReceivedCall>.Continuation
    private let channels = Mutex<[any Channel]>([])

    init(closesAtOnce: Bool, answersPings: Bool) {
        (calls, continuation) = AsyncStream.makeStream()
        self.closesAtOnce = closesAtOnce
        self.answersPings = answersPings
    }

    var count: Int { channels.withLock(\.count) }

    func channel(_ number: Int) -> (any Channel)? {
        channels.withLock { $0.count >= number ? $0[number - 1] : nil }
    }

    func add(_ channel: any Channel) -> Int {
        channels.withLock {
            $0.append(channel)
            return $0.count
        }
    }

    var extensionFrames: [Frame] { frames.withLock(\.self) }

    func received(_ frame: Frame) { frames.withLock { $0.append(frame) } }

    func received(_ call: ReceivedCall) { continuation.yield(call) }

    func closeAll() async {
        for channel in channels.withLock(\.self) { try? await channel.close() }
    }
}

/// Cuts what a client sends into frames.
final class ScriptedServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let number: Int
    private let connections: Connections
    private var decoder = FrameDecoder()

    init(number: Int, connections: Connections) {
        self.number = number
        self.connections = connections
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if connections.closesAtOnce { return context.close(promise: nil) }
        decoder.append(unwrapInboundIn(data))
        do {
            while case .frame(let frame) = try decoder.next() {
                guard frame.header.type == .request else {
                    receiveExtension(frame, context)
                    continue
                }
                let envelope = try RequestEnvelope.decode(frame.data)
                connections.received(
                    ReceivedCall(
                        connection: number, channel: context.channel, header: frame.header, envelope: envelope))
            }
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    private func receiveExtension(_ frame: Frame, _ context: ChannelHandlerContext) {
        connections.received(frame)
        guard frame.header.type == .ping, connections.answersPings else { return }
        var buffer = ByteBuffer()
        FrameEncoder.write(.pong, streamID: 0, data: frame.data, into: &buffer)
        context.writeAndFlush(NIOAny(buffer), promise: nil)
    }
}
