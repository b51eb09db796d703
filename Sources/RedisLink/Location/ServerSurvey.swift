internal import NIOCore

/// Asks several servers the same, all at once.
final class ServerSurvey {
    /// What one of them said.
    struct Answer {
        var address: RedisURL.Address
        /// One for each of the commands; error answers among them.
        var values: [RedisValue]
    }

    /// How long the others are waited for when one has answered: who is away must not hold up those who are there.
    private static let graceTime = TimeAmount.milliseconds(100)

    private let promise: EventLoopPromise<[Answer]>
    private var answers: [Answer] = []
    private var failures: [String] = []
    private var conversations: [RedisConversation] = []
    private var isOver = false
    private let eventLoop: any EventLoop

    /// What those say that answer in time, in that order; at least one, or the future fails with a ``RedisError``.
    static func ask(
        _ addresses: [RedisURL.Address], user: String?, password: String?, commands: [RedisCommand],
        by dialer: RedisDialer
    ) -> EventLoopFuture<[Answer]> {
        let survey = ServerSurvey(dialer.eventLoop)
        let login = password.map { [RedisCommand.login(user: user, password: $0)] } ?? []
        survey.conversations = addresses.map { address in
            var values: [RedisValue] = []
            let conversation = RedisConversation(with: address, by: dialer, commands: login + commands) { reply in
                values.append((try? RedisValue(reply)) ?? .null)
            }
            conversation.ended.assumeIsolated().whenComplete { result in
                switch result {
                case .failure(let error): survey.failed(address, (error as? RedisError)?.sentence ?? "\(error)")
                case .success:
                    if !login.isEmpty, case .error = values.removeFirst() {
                        survey.failed(address, "it does not let us in")
                    } else {
                        survey.answered(Answer(address: address, values: values))
                    }
                }
            }
            return conversation
        }
        survey.endIfComplete()
        return survey.promise.futureResult
    }

    private init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        promise = eventLoop.makePromise()
    }

    private func answered(_ answer: Answer) {
        answers.append(answer)
        endIfComplete()
        guard !isOver, answers.count == 1 else { return }
        eventLoop.assumeIsolated().scheduleTask(in: ServerSurvey.graceTime) { self.end() }
    }

    private func failed(_ address: RedisURL.Address, _ reason: String) {
        failures.append("\(address): \(reason)")
        endIfComplete()
    }

    private func endIfComplete() {
        // While the first ones fail at once, the last ones are not asked yet.
        guard !conversations.isEmpty, answers.count + failures.count == conversations.count else { return }
        end()
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        let unanswered = conversations
        conversations = []
        for conversation in unanswered { conversation.cancel() }
        if answers.isEmpty {
            promise.fail(RedisError.unavailable(failures.joined(separator: "; ")))
        } else {
            promise.assumeIsolated().succeed(answers)
        }
    }
}
