import DMSModel
import Logging
import NIOConcurrencyHelpers
import NIOCore
import RedisLink

/// Has the indexes of positions mended where something else wrote the queues: one mending of a queue at a time in a process, in
/// steps between which Redis does other work, and not all the time.
final class PositionMender: Sendable {
    private struct State {
        /// Those who wait for the mending that goes on; nil: none does.
        var waiters: [EventLoopPromise<Void>]?
        /// Before that, nobody's asking starts another.
        var rest = NIODeadline.uptimeNanoseconds(0)
    }

    /// A mending that walked over no more ids may be followed by the next at once.
    private static let shortWalk = 10_000
    /// Otherwise so long passes for each id, ten times what it took Redis.
    private static let restPerID = TimeAmount.microseconds(13)
    /// How often an index is begun anew before it is left to the next who asks.
    private static let beginningsMax = 3
    private static let stepsMax = 100_000

    private let states = NIOLockedValueBox<[Priority: State]>([:])
    private let failures: NIOLockedValueBox<FailureLog>
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
        failures = NIOLockedValueBox(
            FailureLog(
                "Positions in a queue cannot be mended", over: "Positions in a queue are mended again", logger: logger))
    }

    /// Mends the index of a queue; succeeds when that is done, could not be done, or has to wait for later.
    ///
    /// `missing` is a queued task that the index does not know. Called on the store's loop.
    func mend(_ priority: Priority, missing id: TaskID?, in store: Store) -> EventLoopFuture<Void> {
        let promise = store.writer.eventLoop.makePromise(of: Void.self)
        let starts = states.withLockedValue { states -> Bool? in
            var state = states[priority] ?? State()
            defer { states[priority] = state }
            if state.waiters != nil {
                state.waiters?.append(promise)
                return false
            }
            guard NIODeadline.now() >= state.rest else { return nil }
            state.waiters = [promise]
            return true
        }
        guard let starts else {
            promise.succeed()
            return promise.futureResult
        }
        if starts {
            run(priority, missing: id, countingMarks: false, in: store).assumeIsolated().whenComplete { result in
                self.end(priority, walked: (try? result.get()) ?? 0)
            }
        }
        return promise.futureResult
    }

    private func end(_ priority: Priority, walked: Int) {
        let waiters = states.withLockedValue { states in
            var state = State()
            if walked > PositionMender.shortWalk {
                state.rest = .now() + PositionMender.restPerID * walked
            }
            defer { states[priority] = state }
            return states[priority]?.waiters ?? []
        }
        for waiter in waiters { waiter.succeed() }
    }

    /// Mends the index of a queue whatever it takes; answers with the ids that were walked over.
    ///
    /// `countingMarks` has a walk through the list see whether the marks are as many as they are said to be.
    func run(
        _ priority: Priority, missing id: TaskID?, countingMarks: Bool, in store: Store
    ) -> EventLoopFuture<Int> {
        let work = Work(priority: priority, store: store, logger: logger)
        let walked = work.step(missing: id, countingMarks: countingMarks)
        walked.assumeIsolated().whenComplete { result in
            let isLinkUp = store.writer.isReady
            self.failures.withLockedValue { failures in
                switch result {
                case .success: failures.succeeded()
                case .failure(let error): failures.failed(error, isLinkUp: isLinkUp)
                }
            }
        }
        return walked
    }

    /// One mending.
    private final class Work {
        private let priority: Priority
        private let store: Store
        private let logger: Logger
        private var walked = 0
        private var steps = 0
        private var beginnings = 0

        init(priority: Priority, store: Store, logger: Logger) {
            self.priority = priority
            self.store = store
            self.logger = logger
        }

        func step(missing id: TaskID?, countingMarks: Bool) -> EventLoopFuture<Int> {
            store.mendPositions(priority, missing: id, countingMarks: countingMarks).flatOnLoop { step in
                self.walked += step.walked
                self.steps += 1
                if step.outcome == .begunAnew { self.beginnings += 1 }
                let goesOn =
                    !step.outcome.isDone && self.beginnings <= PositionMender.beginningsMax
                    && self.steps < PositionMender.stepsMax
                if goesOn { return self.step(missing: nil, countingMarks: false) }
                if step.outcome == .mended || self.steps > 1 {
                    self.logger.notice(
                        "The index of positions was mended: something else had written the queue",
                        metadata: [
                            "priority": "\(self.priority.rawValue)", "rebuilt": "\(self.beginnings > 0)",
                            "done": "\(step.outcome.isDone)",
                        ])
                }
                return self.store.writer.eventLoop.makeSucceededFuture(self.walked)
            }
        }
    }
}
