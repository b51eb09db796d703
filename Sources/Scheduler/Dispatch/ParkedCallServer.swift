import DMSModel
import Logging
import NIOCore
import RedisLink

/// Hands tasks out to calls that were taken off the parking lot, on one event loop.
final class ParkedCallServer {
    private let store: Store
    private let putBacks: PutBackQueue
    private let lot: ParkingLot
    private let clock: SystemClock
    private let logger: Logger
    /// Has somebody look again; see ``ParkingLot/take(tasks:)``.
    private let requestWake: (Int) -> Void
    private var failures: FailureLog

    init(
        store: Store, putBacks: PutBackQueue, lot: ParkingLot, clock: SystemClock, logger: Logger,
        requestWake: @escaping (Int) -> Void
    ) {
        self.store = store
        self.putBacks = putBacks
        self.lot = lot
        self.clock = clock
        self.logger = logger
        self.requestWake = requestWake
        failures = FailureLog(
            "Calls that wait for a task cannot be served", over: "Calls that wait for a task are served again",
            logger: logger)
    }

    /// Serves the calls and parks those again for which there is nothing; then says whether there may be more tasks.
    func serve(_ calls: [ParkedCall], then body: @escaping (Bool) -> Void = { _ in }) {
        store.handOut(calls.map(\.caller), at: clock.now()).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let outcome):
                self.failures.succeeded()
                body(self.deliver(outcome, to: calls))
            case .failure(let error):
                self.failures.failed(error, isLinkUp: self.store.writer.isReady)
                self.fail(calls, error)
                body(false)
            }
        }
    }

    private func deliver(_ outcome: HandOutScript.Outcome, to calls: [ParkedCall]) -> Bool {
        outcome.logSkipped(logger)
        outcome.putBackUnconfirmed(of: calls.map(\.caller), to: putBacks)
        var unserved: [ParkedCall] = []
        var served: [(ParkedCall, HandOut)] = []
        for (call, answer) in zip(calls, outcome.answers) {
            if answer.tasks.isEmpty, !answer.isRepeated {
                unserved.append(call)
            } else {
                served.append((call, answer))
            }
        }
        settle(leaving: served.map(\.0), parkingAgain: unserved)
        for (call, answer) in served {
            call.end(answer.isUnconfirmed ? .failed(.unconfirmedHandOut) : .handOut(answer))
        }
        return outcome.stoppedEarly || unserved.isEmpty
    }

    private func fail(_ calls: [ParkedCall], _ error: any Error) {
        let error = error as? SchedulerError ?? SchedulerError(store: error, wrote: true)
        // Where nothing was taken, or an answer can be asked for again, Redis may be back before their waits are over.
        let isUnknown = error.reason != .storeUnavailable
        let lost = calls.filter { isUnknown && $0.caller.kept == nil }
        let ids = Set(lost.map(\.id))
        if isUnknown {
            for call in calls where !ids.contains(call.id) { call.mayHoldTasks() }
        }
        settle(leaving: lost, parkingAgain: calls.filter { !ids.contains($0.id) })
        for call in lost { call.end(.failed(error)) }
    }

    private func settle(leaving: [ParkedCall], parkingAgain: [ParkedCall]) {
        lot.leave(leaving)
        let missed = lot.parkAgain(parkingAgain)
        if missed > 0 { requestWake(missed) }
    }
}
