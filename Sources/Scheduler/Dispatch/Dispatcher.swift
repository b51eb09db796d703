import DMSModel
import Logging
import NIOCore
import RedisLink

/// Hands tasks out to the `Next` calls of one event loop, many in one script call.
final class Dispatcher {
    /// Tasks that one script call takes, unless a single caller asks for more.
    static let tasksPerCallMax = 128

    private let calls: Coalescer<HandOutScript.Caller, HandOut>

    init(store: Store, putBacks: PutBackQueue, clock: SystemClock, logger: Logger) {
        calls = Coalescer(on: store.writer.eventLoop, weightMax: Dispatcher.tasksPerCallMax) { callers in
            store.handOut(callers, at: clock.now()).assumeIsolated().map { outcome in
                outcome.logSkipped(logger)
                outcome.putBackUnconfirmed(of: callers, to: putBacks)
                return outcome.answers.map { answer in
                    // Where the call stopped at a bound there may be a task for who got none.
                    answer.tasks.isEmpty && !answer.isRepeated && outcome.stoppedEarly ? nil : answer
                }
            }.nonisolated()
        }
    }

    /// Whether nobody waits for an answer.
    var isIdle: Bool { calls.isIdle }

    /// What there is for the caller now, best priority first; nothing where no task is queued.
    func handOut(
        to caller: HandOutScript.Caller, _ completion: @escaping (Result<HandOut, SchedulerError>) -> Void
    ) {
        calls.add(caller, weight: max(caller.wanted, 1)) { result in
            switch result {
            case .success(let answer):
                completion(answer.isUnconfirmed ? .failure(.unconfirmedHandOut) : .success(answer))
            case .failure(let error):
                completion(.failure(error as? SchedulerError ?? SchedulerError(store: error, wrote: true)))
            }
        }
    }
}

extension SchedulerError {
    /// Tasks were taken, and not enough replicas know of it.
    static var unconfirmedHandOut: SchedulerError {
        SchedulerError(
            .outcomeUnknown,
            "Tasks were taken, but not enough replicas of Redis confirmed it in time; they go back to their queues")
    }
}

extension HandOutScript.Outcome {
    /// Tasks that nobody gets because replicas did not confirm it go back, as if they had never been taken.
    func putBackUnconfirmed(of callers: [HandOutScript.Caller], to queue: PutBackQueue) {
        guard isUnconfirmed else { return }
        for (caller, answer) in zip(callers, answers) where answer.isUnconfirmed {
            queue.add(PutBackScript.Undelivered(handOut: answer, kept: caller.kept))
        }
    }

    func logSkipped(_ logger: Logger) {
        if skipped > 0 {
            logger.warning(
                "Ids were dropped from the queues: no queued task stands behind them",
                metadata: ["count": "\(skipped)", "some": "\(skippedIDs)"])
        }
        if setAside + unreadable.count > 0 {
            logger.error(
                "Tasks were set aside: their records can't be read, or are too large",
                metadata: [
                    "count": "\(setAside + unreadable.count)", "some": "\(setAsideIDs + unreadable.prefix(10))",
                ])
        }
    }
}
