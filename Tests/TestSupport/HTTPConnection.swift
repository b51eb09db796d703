import Glibc
public import NIOCore
import NIOPosix
public import NIOSSL

/// What a server sent back: read from the wire by the tests' own few lines, not by what the server is made of.
public struct HTTPAnswer: Equatable {
    /// What the status line begins with, such as `HTTP/1.1`.
    public var version: String
    /// The status line's number.
    public var status: Int
    /// Names in lower case.
    public var headers: [String: String]
    /// As many bytes as `content-length` says; empty where there may be none.
    public var body: ByteBuffer

    /// The body as UTF-8.
    public var text: String { String(buffer: body) }
}

/// An HTTP/1.1 connection, used by one test from one task; every wait has a deadline.
public final class HTTPConnection {
    /// Why an answer did not come.
    public enum Failure: Error {
        case deadlinePassed
        case closed(received: String)
        case malformed(String)
    }

    private let channel: any Channel
    private let source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation
    private var chunks: AsyncThrowingStream<ByteBuffer, any Error>.AsyncIterator
    private var received = ByteBuffer()

    private init(
        channel: any Channel, source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation,
        chunks: AsyncThrowingStream<ByteBuffer, any Error>
    ) {
        self.channel = channel
        self.source = source
        self.chunks = chunks.makeAsyncIterator()
    }

    /// Connects, from a given address and inside TLS where there is a context; 20 seconds later whatever still waits for bytes
    /// fails.
    public static func open(
        _ address: SocketAddress, tls: NIOSSLContext? = nil, closingAfter limit: TimeAmount = .seconds(20),
        from local: SocketAddress? = nil
    ) async throws -> HTTPConnection {
        let (chunks, source) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let local { bootstrap = bootstrap.bind(to: local) }
        let channel =
            try await bootstrap
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(ChunkHandler(source: source))
                }
            }
            .connect(to: address).get()
        channel.eventLoop.scheduleTask(in: limit) { source.finish(throwing: Failure.deadlinePassed) }
        return HTTPConnection(channel: channel, source: source, chunks: chunks)
    }

    /// Closes both sides, unless the server was faster.
    public func close() async throws {
        do { try await channel.close() } catch ChannelError.alreadyClosed {}
    }

    /// Closes with a reset, as the kernel does for a client that was killed.
    public func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await close()
    }

    /// Reads nothing from now on.
    public func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    /// Reads again.
    public func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Says that nothing more will come, as a client does that only waits for its answers.
    public func closeOutput() async throws { try await channel.close(mode: .output) }

    /// Sends bytes as they are, a part of a request or several requests.
    public func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// Sends a text as UTF-8.
    public func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    /// Sends bytes later, unless the connection is gone or that is canceled by then.
    public func send(_ bytes: ByteBuffer, in delay: TimeAmount) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: delay) { [channel] in channel.writeAndFlush(bytes, promise: nil) }
    }

    /// Fails what waits for bytes after that time, and all later waits, unless that is canceled by then.
    public func fail(in limit: TimeAmount) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: limit) { [source] in source.finish(throwing: Failure.deadlinePassed) }
    }

    /// The next bytes as they come, for what speaks no HTTP; nil at the end.
    public func chunk() async throws -> ByteBuffer? { try await chunks.next() }

    /// A request and its answer; a body goes with its length.
    public func call(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: ByteBuffer? = nil
    ) async throws -> HTTPAnswer {
        try await send(HTTPConnection.request(method, target, headers: headers, body: body))
        return try await answer(toHead: method == "HEAD")
    }

    /// A request's bytes, with `Host`, and with `Content-Length` where there is a body.
    public static func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: ByteBuffer? = nil
    ) -> ByteBuffer {
        var request = ByteBuffer(string: "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n")
        for (name, value) in headers { request.writeString("\(name): \(value)\r\n") }
        if let body { request.writeString("Content-Length: \(body.readableBytes)\r\n") }
        request.writeString("\r\n")
        if let body { request.writeImmutableBuffer(body) }
        return request
    }

    /// The next answer; to a `HEAD` there is a head only.
    public func answer(toHead: Bool = false) async throws -> HTTPAnswer {
        var lines = try await head().split(separator: "\r\n").map(String.init)
        let start = lines.removeFirst().split(separator: " ", maxSplits: 2)
        guard start.count >= 2, let status = Int(start[1]) else { throw Failure.malformed(lines.joined()) }
        var headers: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
            let value = line[line.index(after: colon)...]
            headers[line[..<colon].lowercased()] = value.drop { $0 == " " }.description
        }
        var length = headers["content-length"].flatMap { Int($0) } ?? 0
        if toHead || status < 200 || status == 204 { length = 0 }
        while received.readableBytes < length { try await receive() }
        let body = received.readSlice(length: length) ?? ByteBuffer()
        return HTTPAnswer(version: String(start[0]), status: status, headers: headers, body: body)
    }

    /// Waits until the server closes its side; what it sent before that nobody has read.
    public func remainder() async throws -> String {
        while let chunk = try await chunks.next() { received.writeImmutableBuffer(chunk) }
        return String(buffer: received)
    }

    /// The same where the server may close with bytes of ours unread, which resets the connection.
    public func remainderBeforeReset() async throws -> String {
        do {
            return try await remainder()
        } catch let error as IOError where error.errnoCode == ECONNRESET {
            return String(buffer: received)
        }
    }

    private func head() async throws -> String {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = received.readableBytesView.firstRange(of: end) {
                let length = range.upperBound - received.readerIndex
                return received.readString(length: length) ?? ""
            }
            try await receive()
        }
    }

    private func receive() async throws {
        guard let chunk = try await chunks.next() else { throw Failure.closed(received: String(buffer: received)) }
        received.writeImmutableBuffer(chunk)
    }
}

private final class ChunkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation

    init(source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation) { self.source = source }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { source.yield(unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { source.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { source.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { source.finish(throwing: error) }
}
