import DMSModel
import DequeModule
import Logging
import NIOCore
import RedisLink

/// Joins the `Next` calls of one event loop into few script calls.
///
/// The first call of a tick schedules one hand-out for the tick's end; what arrives while ``callsInFlightMax`` of them are
/// under way waits for the next. With one client nothing waits; with many, the cost of a script call is shared.
final class Dispatcher {
    /// Script calls under way at once: while Redis works on one, the next is on its way.
    private static let callsInFlightMax = 2
    /// Tasks that one script call takes, unless a single caller asks for more.
    static let tasksPerCallMax = 128

    /// A caller that has no answer yet.
    private struct Waiter {
        var caller: HandOutScript.Caller
        var completion: (Result<HandOut, SchedulerError>) -> Void
    }

    private let store: Store
    private let clock: SystemClock
    private let logger: Logger
    private let eventLoop: any EventLoop
    private var waiters = Deque<Waiter>()
    private var callsInFlight = 0
    private var isScheduled = false

    init(store: Store, clock: SystemClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
        eventLoop = store.writer.eventLoop
    }

    /// Whether nobody waits for an answer.
    var isIdle: Bool { callsInFlight == 0 && waiters.isEmpty }

    /// What there is for the caller now, best priority first; nothing where no task is queued.
    ///
    /// A callback and no future: this is the way of every `Next`.
    func handOut(
        to caller: HandOutScript.Caller, _ completion: @escaping (Result<HandOut, SchedulerError>) -> Void
    ) {
        waiters.append(Waiter(caller: caller, completion: completion))
        schedule()
    }

    private func schedule() {
        guard !isScheduled, callsInFlight < Dispatcher.callsInFlightMax, !waiters.isEmpty else { return }
        isScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            while self.callsInFlight < Dispatcher.callsInFlightMax, !self.waiters.isEmpty {
                self.handOut(to: self.takeBatch())
            }
        }
    }

    private func takeBatch() -> [Waiter] {
        var batch: [Waiter] = []
        var tasks = 0
        while let first = waiters.first, batch.isEmpty || tasks + first.caller.wanted <= Dispatcher.tasksPerCallMax,
            batch.count < Dispatcher.tasksPerCallMax
        {
            tasks += first.caller.wanted
            batch.append(waiters.removeFirst())
        }
        return batch
    }

    private func handOut(to batch: [Waiter]) {
        callsInFlight += 1
        store.handOut(batch.map(\.caller), at: clock.now()).assumeIsolated().whenComplete { result in
            self.callsInFlight -= 1
            switch result {
            case .success(let outcome): self.deliver(outcome, to: batch)
            case .failure(let error):
                let error = error as? SchedulerError ?? SchedulerError(store: error, wrote: true)
                for waiter in batch { waiter.completion(.failure(error)) }
            }
            self.schedule()
        }
    }

    private func deliver(_ outcome: HandOutScript.Outcome, to batch: [Waiter]) {
        outcome.logSkipped(logger)
        var unserved: [Waiter] = []
        for (waiter, answer) in zip(batch, outcome.answers) {
            if answer.tasks.isEmpty, !answer.isRepeated, outcome.stoppedEarly {
                unserved.append(waiter)
            } else {
                waiter.completion(.success(answer))
            }
        }
        waiters.prepend(contentsOf: unserved)
    }
}

extension HandOutScript.Outcome {
    func logSkipped(_ logger: Logger) {
        guard skipped > 0 else { return }
        logger.warning(
            "Ids were dropped from the queues: no queued task stands behind them",
            metadata: ["count": "\(skipped)", "some": "\(skippedIDs)"])
    }
}
