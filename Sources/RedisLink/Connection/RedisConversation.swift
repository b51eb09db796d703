internal import NIOCore

/// A few commands on a connection of their own, which ends with the last answer.
final class RedisConversation: RedisChannelOwner {
    /// Succeeds with the last answer; fails with a ``RedisError`` where an answer is missing.
    let ended: EventLoopFuture<Void>
    /// Whether the commands were handed to the socket.
    private(set) var wasSent = false

    private let promise: EventLoopPromise<Void>
    private let commands: ByteBuffer
    private var answersLeft: Int
    private let onAnswer: (borrowing RedisReply) -> Void
    private var handler: RedisChannelHandler<RedisConversation>?
    private var isOver = false

    /// Begins on the dialer's loop, where `onAnswer` is called for each of the answers, error answers too.
    init(
        with address: RedisURL.Address, by dialer: RedisDialer, commands: [RedisCommand],
        onAnswer: @escaping (borrowing RedisReply) -> Void
    ) {
        var bytes = ByteBuffer()
        for command in commands {
            bytes.writeRESPArray(command.wordCount)
            bytes.writeImmutableBuffer(command.words)
        }
        self.commands = bytes
        self.answersLeft = commands.count
        self.onAnswer = onAnswer
        promise = dialer.eventLoop.makePromise()
        ended = promise.futureResult
        let timer = dialer.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(dialer.timeout)) {
            self.lose("no answer within \(dialer.timeout)")
        }
        ended.whenComplete { _ in timer.cancel() }
        dialer.connect(to: address, for: RedisConversation.self).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel)
            case .failure(let error): self.lose(ConnectFailure.describe(error))
            }
        }
    }

    /// Ends it; what is missing is not waited for.
    func cancel() { lose("it was given up") }

    private func connected(_ channel: any Channel) {
        let type = RedisChannelHandler<RedisConversation>.self
        guard !isOver, let handler = try? channel.pipeline.syncOperations.handler(type: type) else {
            channel.close(promise: nil)
            return lose("the connection was closed")
        }
        self.handler = handler
        handler.attach(to: self)
        wasSent = true
        handler.send(commands)
    }

    func receive(_ reply: borrowing RedisReply) {
        guard !isOver else { return }
        answersLeft -= 1
        onAnswer(reply)
        if answersLeft == 0 { end(.success(())) }
    }

    func lose(_ reason: String) { end(.failure(RedisError.unavailable(reason))) }

    private func end(_ result: Result<Void, any Error>) {
        guard !isOver else { return }
        isOver = true
        let handler = handler
        self.handler = nil
        handler?.giveUp()
        promise.completeWith(result)
    }
}
