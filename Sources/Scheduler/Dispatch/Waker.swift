import DMSModel
import Logging
import NIOCore
import RedisLink

/// Serves the calls that wait for a task, when there may be one; on one event loop, for all.
///
/// It takes as many calls off the parking lot as there are tasks, so that a burst of some tasks wakes as many calls and not all.
final class Waker {
    /// How long a task may stay unnoticed where a message was lost.
    private static let pollInterval = TimeAmount.seconds(1)

    private let store: Store
    private let lot: ParkingLot
    private let clock: SystemClock
    private let logger: Logger
    private let eventLoop: any EventLoop
    /// How many tasks there may be that nobody was served with.
    private var credit = 0
    private var isServing = false
    private var poll: Scheduled<Void>?

    init(store: Store, lot: ParkingLot, clock: SystemClock, logger: Logger) {
        self.store = store
        self.lot = lot
        self.clock = clock
        self.logger = logger
        eventLoop = store.writer.eventLoop
    }

    func start() {
        poll = eventLoop.assumeIsolated().scheduleTask(in: Waker.pollInterval) {
            self.look()
            self.start()
        }
    }

    func stop() { poll?.cancel() }

    /// Looks before it takes: what only reads may fail without a doubt about what it did.
    private func look() {
        guard !lot.isEmpty else { return }
        store.hasQueued().assumeIsolated().whenSuccess { if $0 { self.wake(tasks: 1) } }
    }

    /// Some tasks may have come.
    func wake(tasks: Int) {
        lot.noteWake()
        credit = min(credit + max(tasks, 1), Dispatcher.tasksPerCallMax)
        serve()
    }

    private func serve() {
        guard !isServing, credit > 0 else { return }
        let calls = lot.take(tasks: credit)
        credit = 0
        guard !calls.isEmpty else { return }
        isServing = true
        store.handOut(calls.map(\.caller), at: clock.now()).assumeIsolated().whenComplete { result in
            self.isServing = false
            switch result {
            case .success(let outcome): self.deliver(outcome, to: calls)
            case .failure(let error): self.fail(calls, error)
            }
            self.serve()
        }
    }

    private func deliver(_ outcome: HandOutScript.Outcome, to calls: [ParkedCall]) {
        outcome.logSkipped(logger)
        var unserved: [ParkedCall] = []
        var served: [(ParkedCall, HandOut)] = []
        for (call, answer) in zip(calls, outcome.answers) {
            if answer.tasks.isEmpty, !answer.isRepeated {
                unserved.append(call)
            } else {
                served.append((call, answer))
            }
        }
        lot.leave(served.map(\.0))
        for (call, answer) in served { call.end(.handOut(answer)) }
        lot.parkAgain(unserved)
        // Where there was enough for everybody there may be more.
        if outcome.stoppedEarly || unserved.isEmpty {
            credit = min(max(credit, 2 * calls.count), Dispatcher.tasksPerCallMax)
        }
    }

    private func fail(_ calls: [ParkedCall], _ error: any Error) {
        let error = error as? SchedulerError ?? SchedulerError(store: error, wrote: true)
        // Where nothing was taken, or an answer can be asked for again, Redis may be back before their waits are over.
        let lost = calls.filter { error.reason != .storeUnavailable && $0.caller.answerKey == nil }
        lot.leave(lost)
        for call in lost { call.end(.failed(error)) }
        let ids = Set(lost.map(\.id))
        lot.parkAgain(calls.filter { !ids.contains($0.id) })
    }
}
