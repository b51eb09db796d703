import DMSClient
import DMSModel
import Glibc
import Synchronization

/// What all clients of a soak saw: each task's way, the calls' times, and what failed.
final class SoakLedger: Sendable {
    /// How a task ended, as far as its client was told.
    enum End: UInt8 {
        /// Nobody was told; the task may have ended nevertheless.
        case unknown
        case finished, canceled
        /// Handed out for good.
        case taken

        /// What its record must say.
        var statuses: [TaskStatus] {
            switch self {
            case .unknown: [.dispatched, .completed, .failed, .canceled]
            case .finished: [.completed, .failed]
            case .canceled: [.canceled]
            case .taken: [.dispatched]
            }
        }
    }

    private struct Task {
        var submittedAt: ContinuousClock.Instant
        var isConfirmed = false
        var end = End.unknown
    }

    private struct State {
        var tasks: [Task] = []
        var ended = 0
        var latencies: [String: Latencies] = [:]
        var calls = 0
        var failures: [String: Int] = [:]
        var broken: [String] = []
    }

    /// What happened between two samples.
    struct Interval {
        var latencies: [String: Latencies]
        var calls: Int
        /// By what was called and why it failed.
        var failures: [String: Int]
        var openTasks: Int
    }

    private static let brokenMax = 20

    private let state = Mutex(State())

    static func id(_ number: Int) -> TaskID { TaskID("soak-\(number)") }

    private static func number(_ id: TaskID) -> Int? { Int(id.text.dropFirst("soak-".count)) }

    /// The number of a new task; nil while too many are under way.
    func begin() -> Int? {
        state.withLock { state in
            guard state.tasks.count - state.ended < SoakPlan.openTasksMax else { return nil }
            state.tasks.append(Task(submittedAt: .now))
            return state.tasks.count - 1
        }
    }

    /// The scheduler said that it has the task.
    func confirm(_ number: Int) { state.withLock { $0.tasks[number].isConfirmed = true } }

    /// A number of a task that was submitted, not long ago.
    func recent(_ noise: UInt64) -> Int? {
        state.withLock { state in
            let count = min(state.tasks.count, 1000)
            return count == 0 ? nil : state.tasks.count - 1 - Int(noise % UInt64(count))
        }
    }

    /// A task was handed out, for good or under a lease that lasts until then.
    func delivered(_ id: TaskID, until leaseEnd: Timestamp? = nil) {
        // An answer that took longer than the lease says nothing: the task may be another's already.
        let isHeld = leaseEnd.map { SoakLedger.now < $0.microseconds } ?? true
        state.withLock { state in
            guard let number = SoakLedger.number(id), state.tasks.indices.contains(number) else {
                return SoakLedger.note(&state, "\(id) was handed out, which nobody submitted")
            }
            // What was canceled meanwhile may be on its way.
            let end = state.tasks[number].end
            if isHeld, end == .finished || end == .taken {
                SoakLedger.note(&state, "\(id) was handed out after it had ended as \(state.tasks[number].end)")
            }
            let time = ContinuousClock.now - state.tasks[number].submittedAt
            state.latencies["delivery", default: Latencies()].add(time)
        }
    }

    /// A client was told how the task ended.
    func ended(_ id: TaskID, _ end: End) {
        state.withLock { state in
            guard let number = SoakLedger.number(id), state.tasks.indices.contains(number) else { return }
            let before = state.tasks[number].end
            switch (before, end) {
            case (.unknown, _): state.ended += 1
            // A task that somebody has may be canceled, and its clients hear of it in any order.
            case (.canceled, .canceled), (.taken, .canceled): break
            case (.canceled, .taken): return
            default: SoakLedger.note(&state, "\(id) ended as \(end) after \(before)")
            }
            state.tasks[number].end = end
        }
    }

    /// Microseconds since 1970.
    private static var now: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    private static func note(_ state: inout State, _ sentence: String) {
        if state.broken.count < brokenMax { state.broken.append(sentence) }
    }

    func answered(_ call: String, in time: Duration) {
        state.withLock { state in
            state.calls += 1
            state.latencies[call, default: Latencies()].add(time)
        }
    }

    func failed(_ call: String, _ reason: String) {
        state.withLock { $0.failures["\(call): \(reason)", default: 0] += 1 }
    }

    /// Takes what happened since the last time.
    func takeInterval() -> Interval {
        state.withLock { state in
            defer { (state.latencies, state.calls, state.failures) = ([:], 0, [:]) }
            return Interval(
                latencies: state.latencies, calls: state.calls, failures: state.failures,
                openTasks: state.tasks.count - state.ended)
        }
    }

    /// Every task: its id, whether it must be there, and what it must be.
    var expected: [(id: TaskID, isConfirmed: Bool, statuses: [TaskStatus])] {
        state.withLock { state in
            state.tasks.enumerated().map { (SoakLedger.id($0), $1.isConfirmed, $1.end.statuses) }
        }
    }

    var broken: [String] { state.withLock { $0.broken } }
}
