import NIOCore
import NIOPosix
import RedisLink
import TestSupport

/// Accepts connections and answers with bytes that no Redis says.
enum FakeServer {
    /// Runs the body with a server that answers the n-th bytes of every connection with the n-th answer; after the last it
    /// says nothing.
    static func with(
        answers: [String], closes: Bool = false, _ body: (RedisURL) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answerer(answers: answers, closes: closes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            guard let port = server.localAddress?.port else { throw TestFailure("no port") }
            try await body(RedisURL(address: .tcp(host: "127.0.0.1", port: port)))
            try await server.close()
        } catch {
            try? await server.close()
            throw error
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var answers: ArraySlice<String>
        private let closes: Bool

        init(answers: [String], closes: Bool) {
            self.answers = answers[...]
            self.closes = closes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer = answers.popFirst() else {
                if closes { context.close(promise: nil) }
                return
            }
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
        }
    }
}
