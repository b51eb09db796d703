import NIOCore

/// One connection of a measurement: keeps so many calls in flight, and takes the time of each.
///
/// The clock is read once for all answers that come together, and all calls that follow from them go out together.
final class LoadHandler<Wire: LoadProtocol>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let run: LoadRun
    private let depth: Int
    private var wire: Wire
    private var input = ByteBuffer()
    private var inFlight: [(key: UInt32, start: NIODeadline)] = []

    init(_ wire: Wire, depth: Int, _ run: LoadRun) {
        self.wire = wire
        self.depth = depth
        self.run = run
    }

    /// Makes the first calls.
    func start(_ context: ChannelHandlerContext) { call(depth, context, at: .now()) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes > 0 {
            input.writeBuffer(&bytes)
        } else {
            input = bytes
        }
        let now = NIODeadline.now()
        do {
            var answers = 0
            while let answer = try wire.read(from: &input) {
                let start = try take(answer.key)
                try run.answered(answer, nanoseconds: (now - start).nanoseconds)
                answers += 1
            }
            input.discardReadBytes()
            if let output = wire.takeOutput() { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
            call(answers, context, at: now)
        } catch {
            run.fail(error)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        run.fail(BenchFailure("a connection was closed by the server"))
    }

    private func take(_ key: UInt32?) throws -> NIODeadline {
        let index = key.map { key in inFlight.firstIndex { $0.key == key } } ?? (inFlight.isEmpty ? nil : 0)
        guard let index else { throw BenchFailure("an answer came to no call") }
        return inFlight.remove(at: index).start
    }

    private func call(_ count: Int, _ context: ChannelHandlerContext, at now: NIODeadline) {
        guard count > 0 else { return }
        var output = context.channel.allocator.buffer(capacity: 256 * count)
        for _ in 0..<count {
            guard let number = run.next() else { break }
            inFlight.append((wire.write(number, into: &output), now))
        }
        guard output.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }
}
