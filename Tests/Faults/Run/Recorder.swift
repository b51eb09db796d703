import FaultLedger
import Synchronization

/// Writes down what clients ask and are answered, and what goes wrong beside.
final class Recorder: Sendable {
    let clock: RunClock

    private struct State {
        var calls: [Call] = []
        var lives: [History.Life] = []
        /// The present life of each scheduler.
        var present: [Int: Int] = [:]
        var stranded: [SeenTask] = []
        var outages: [Double] = []
        var incidents: [String] = []
        var faults: [FaultKind: Int] = [:]
        var failovers: [History.Failover] = []
    }

    private let state = Mutex(State())

    init(clock: RunClock) { self.clock = clock }

    /// A call is about to be sent to a scheduler; its number.
    func begin(_ operation: Question, client: Int, door: Call.Door, scheduler: Int) -> Int {
        state.withLock { state in
            let number = state.calls.count
            state.calls.append(
                Call(
                    number: number, client: client, door: door, life: state.present[scheduler] ?? 0,
                    invoked: clock.moment(), operation: operation))
            return number
        }
    }

    /// What came of it.
    func end(_ number: Int, _ outcome: Outcome) {
        state.withLock { state in
            state.calls[number].completed = clock.moment()
            state.calls[number].outcome = outcome
        }
    }

    func schedulerStarted(_ scheduler: Int) {
        state.withLock { state in
            state.present[scheduler] = state.lives.count
            state.lives.append(History.Life(scheduler: scheduler))
        }
    }

    func schedulerEnded(_ scheduler: Int) {
        state.withLock { state in
            guard let life = state.present[scheduler] else { return }
            state.lives[life].ended = clock.seconds
        }
    }

    /// The master changed, or may yet, at some time behind that moment.
    func failoverBegan(_ moment: Moment) {
        state.withLock { $0.failovers.append(History.Failover(began: moment)) }
    }

    /// The master changed between that moment and now, unless that is the failover that is under way.
    func failoverHappened(since moment: Moment) {
        state.withLock { state in
            guard state.failovers.last.map({ $0.ended != nil }) ?? true else { return }
            state.failovers.append(History.Failover(began: moment, ended: clock.moment()))
            state.outages.append(clock.seconds)
        }
    }

    /// The last failover is over: there is one master for sure.
    func failoverEnded() {
        state.withLock { state in
            guard let last = state.failovers.indices.last else { return }
            state.failovers[last].ended = clock.moment()
            // Whoever was still connected to the old master is not any more.
            state.outages.append(clock.seconds)
        }
    }

    /// Counts a fault.
    func count(_ kind: FaultKind) {
        state.withLock { state in
            state.faults[kind, default: 0] += 1
            if kind.costsAnswersOfRedis { state.outages.append(clock.seconds) }
        }
    }

    /// Something went wrong that no call shows.
    func incident(_ sentence: String) {
        state.withLock { state in
            if state.incidents.count < 20 { state.incidents.append(sentence) }
        }
    }

    /// Nobody is known to hold that task.
    func strand(_ task: SeenTask) { state.withLock { $0.stranded.append(task) } }

    var history: History {
        state.withLock { state in
            History(
                calls: state.calls, lives: state.lives, stranded: state.stranded, outages: state.outages,
                incidents: state.incidents, failovers: state.failovers)
        }
    }

    var faults: [FaultKind: Int] { state.withLock { $0.faults } }

    var callCount: Int { state.withLock { $0.calls.count } }

    var faultCount: Int { state.withLock { $0.faults.values.reduce(0, +) } }
}
