import DMSModel
import DMSWire
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport

/// A client that sends bytes on a real socket, and reads what comes back as frames.
final class RawClient {
    private let channel: any Channel
    private var incoming: AsyncStream<ByteBuffer>.Iterator
    private var decoder = FrameDecoder()

    /// Passes on what is read, until the server sends no more.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        let output: AsyncStream<ByteBuffer>.Continuation

        init(_ output: AsyncStream<ByteBuffer>.Continuation) { self.output = output }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { output.yield(unwrapInboundIn(data)) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { output.finish() }
        }

        func channelInactive(context: ChannelHandlerContext) { output.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// Connects, from a given address and inside TLS where there is a context.
    init(_ address: SocketAddress, from local: SocketAddress? = nil, tls: NIOSSLContext? = nil) async throws {
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        incoming = stream.makeAsyncIterator()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let local { bootstrap = bootstrap.bind(to: local) }
        channel =
            try await bootstrap
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(to: address).get()
    }

    /// Sends bytes; those of a connection that is gone are dropped, as by a socket.
    func send(_ bytes: ByteBuffer) async { try? await channel.writeAndFlush(bytes) }

    func send(_ bytes: [UInt8]) async { await send(ByteBuffer(bytes: bytes)) }

    /// Sends without waiting until the bytes are on their way.
    func sendLater(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

    /// Sends no more, and reads on.
    func finishSending() async throws { try await channel.close(mode: .output) }

    func close() async { try? await channel.close() }

    /// Closes with a reset, as the kernel does for a client that was killed with answers unread.
    func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await close()
    }

    /// Reads nothing until ``startReading()``.
    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// The next frame; nil at the end of the connection.
    func frame() async throws -> Frame? {
        while true {
            switch try decoder.next() {
            case .frame(let frame): return frame
            case .oversized(let header): throw TestFailure("the server sent an oversized frame: \(header)")
            case nil:
                guard let bytes = await incoming.next(isolation: #isolation) else { return nil }
                decoder.append(bytes)
            }
        }
    }

    /// The next frame, which must be an answer.
    func answer() async throws -> (streamID: UInt32, envelope: ResponseEnvelope) {
        guard let frame = try await frame() else { throw TestFailure("the connection ended before the answer") }
        guard frame.header.type == .response, frame.header.flags == [] else {
            throw TestFailure("no answer: \(frame.header)")
        }
        return (frame.header.streamID, try ResponseEnvelope.decode(frame.data))
    }

    /// The next frame, which must be an error on that stream.
    func error(on streamID: UInt32) async throws -> RPCError {
        let answer = try await answer()
        guard answer.streamID == streamID, let error = answer.envelope.error else {
            throw TestFailure("no error on stream \(streamID): \(answer)")
        }
        return error
    }

    /// The next frame, which must be the good answer on that stream.
    func message<Message: WireMessage>(_: Message.Type, on streamID: UInt32) async throws -> Message {
        let answer = try await answer()
        guard answer.streamID == streamID, answer.envelope.error == nil else {
            throw TestFailure("no good answer on stream \(streamID): \(answer)")
        }
        return try Message.decode(answer.envelope.payload)
    }

    /// Calls a method and waits for its good answer, with no other call in flight.
    func call<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ request: Request, on streamID: UInt32,
        metadata: [MetadataEntry] = []
    ) async throws -> Response {
        await send(Bytes.request(method, request, on: streamID, metadata: metadata))
        return try await message(Response.self, on: streamID)
    }

    /// Calls a method and waits for its error, with no other call in flight.
    func refusal<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ request: Request, on streamID: UInt32,
        metadata: [MetadataEntry] = []
    ) async throws -> RPCError {
        await send(Bytes.request(method, request, on: streamID, metadata: metadata))
        return try await error(on: streamID)
    }
}

/// Frames as a client sends them.
enum Bytes {
    static func frame(
        _ type: FrameType, on streamID: UInt32, flags: FrameFlags = [], _ data: ByteBuffer = ByteBuffer()
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(type, streamID: streamID, flags: flags, data: data, into: &bytes)
        return bytes
    }

    /// A header alone, which announces that many bytes of data.
    static func header(_ type: FrameType, on streamID: UInt32, announcing count: Int) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(UInt32(count), streamID, type.rawValue, UInt8(0))
        return bytes
    }

    static func request<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ request: Request, on streamID: UInt32, flags: FrameFlags = [],
        timeoutNanoseconds: Int64 = 0, metadata: [MetadataEntry] = []
    ) -> ByteBuffer {
        let envelope = RequestEnvelope(
            service: method.service, method: method.name, payload: request.encoded(),
            timeoutNanoseconds: timeoutNanoseconds, metadata: metadata)
        return frame(.request, on: streamID, flags: flags, envelope.encoded())
    }

    /// A request whose envelope the test spells itself.
    static func request(_ envelope: RequestEnvelope, on streamID: UInt32) -> ByteBuffer {
        frame(.request, on: streamID, envelope.encoded())
    }
}
