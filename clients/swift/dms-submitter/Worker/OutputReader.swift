import NIOCore

/// What is kept of one of a command's outputs.
protocol KeptOutput: Sendable {
    mutating func append(_ part: some Collection<UInt8>)
}

/// Reads one of a command's outputs until all that may write to it have closed it, or nobody wants it any more.
struct OutputReader<Kept: KeptOutput>: Sendable {
    private let channel: any Channel
    private let promise: EventLoopPromise<Kept>

    init(of end: consuming PipeEnd, keeping kept: Kept, on eventLoop: any EventLoop) async throws {
        let promise = eventLoop.makePromise(of: Kept.self)
        self.promise = promise
        do {
            channel = try await end.read(on: eventLoop) { OutputHandler(kept, promise) }
        } catch {
            promise.fail(error)
            throw error
        }
    }

    /// What was kept, when all is read; waited for also in a task that was canceled.
    var kept: Kept { get async throws { try await promise.futureResult.get() } }

    /// Reads no more.
    func close() { channel.close(promise: nil) }
}

/// Keeps what comes, and tells it when no more does.
private final class OutputHandler<Kept: KeptOutput>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var kept: Kept
    private let promise: EventLoopPromise<Kept>

    init(_ kept: Kept, _ promise: EventLoopPromise<Kept>) {
        self.kept = kept
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        kept.append(unwrapInboundIn(data).readableBytesView)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(kept) }

    /// What was read is what there is.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
