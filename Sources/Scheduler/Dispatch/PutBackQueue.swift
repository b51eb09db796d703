import DMSModel
import Logging
import NIOCore
import RedisLink

/// Puts answers that could not be delivered back, on one event loop: nobody else knows of their tasks.
///
/// Each task goes back to its place, so that the queues are as if nothing had been taken, whoever else puts tasks back. While
/// Redis is away it is tried again and again.
final class PutBackQueue {
    private static let retryDelay = TimeAmount.milliseconds(500)
    /// What one script call puts back, unless one answer has more: Redis does nothing else meanwhile.
    private static let tasksPerCallMax = 1000
    private static let bytesPerCallMax = 4 << 20

    private let store: Store
    private let clock: SystemClock
    private let logger: Logger
    private var failures: FailureLog
    private var answers: [PutBackScript.Undelivered] = []
    private var isScheduled = false
    private var isCalling = false
    private var tasksInCall = 0

    init(store: Store, clock: SystemClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
        failures = FailureLog(
            "Tasks that could not be delivered cannot be requeued yet; it is tried again",
            over: "Tasks that could not be delivered are requeued again", logger: logger)
    }

    /// Whether everything is back.
    var isEmpty: Bool { answers.isEmpty && !isCalling }

    /// How many tasks are on their way back; those of an answer that was lost are not known.
    var taskCount: Int { answers.reduce(tasksInCall) { $0 + $1.handOut.tasks.count } }

    func add(_ answer: PutBackScript.Undelivered) {
        answers.append(answer)
        schedule(in: .zero)
    }

    private func schedule(in delay: TimeAmount) {
        guard !isScheduled, !isCalling, !answers.isEmpty else { return }
        isScheduled = true
        let loop = store.writer.eventLoop.assumeIsolated()
        if delay == .zero {
            loop.execute { self.putBack() }
        } else {
            loop.scheduleTask(in: delay) { self.putBack() }
        }
    }

    private func putBack() {
        isScheduled = false
        guard !isCalling else { return }
        let batch = takeLast()
        isCalling = true
        tasksInCall = batch.reduce(0) { $0 + $1.handOut.tasks.count }
        store.putBack(batch, at: clock.now()).assumeIsolated().whenComplete { result in
            self.isCalling = false
            self.tasksInCall = 0
            switch result {
            case .success(let count):
                self.failures.succeeded()
                self.logger.debug("Tasks could not be delivered", metadata: ["put_back": "\(count)"])
                self.schedule(in: .zero)
            case .failure(let error):
                self.answers += batch
                self.failures.failed(
                    error, isLinkUp: self.store.writer.isReady, metadata: ["tasks": "\(self.taskCount)"])
                self.schedule(in: PutBackQueue.retryDelay)
            }
        }
    }

    /// Those that were handed out last: mostly they stood behind the others, which then go in front of them, and Redis has to
    /// compare nothing.
    private func takeLast() -> [PutBackScript.Undelivered] {
        answers.sort { ($0.handOut.place(ofTask: 0) ?? 0) < ($1.handOut.place(ofTask: 0) ?? 0) }
        var (tasks, bytes) = (0, 0)
        let start = answers.lastIndex { answer in
            tasks += answer.handOut.tasks.count
            bytes += answer.handOut.tasks.reduce(0) { $0 + $1.record.parameters.readableBytes }
            return tasks > PutBackQueue.tasksPerCallMax || bytes > PutBackQueue.bytesPerCallMax
        }
        let first = min((start ?? -1) + 1, answers.count - 1)
        defer { answers.removeSubrange(first...) }
        return Array(answers[first...])
    }
}
