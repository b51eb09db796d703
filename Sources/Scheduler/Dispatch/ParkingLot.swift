import DMSModel
import DequeModule
import NIOConcurrencyHelpers

/// A call that waits for a task, as far as other event loops than its own need to know it.
struct ParkedCall: Sendable {
    enum Ending: Sendable {
        case handOut(HandOut)
        /// Its wait was over while it was tried for the last time.
        case nothing
        case failed(SchedulerError)
    }

    var id: UInt64
    var caller: HandOutScript.Caller
    /// Tells the call that it may have got tasks in an answer that was lost, before it is parked again; may be called on any
    /// thread.
    var mayHoldTasks: @Sendable () -> Void = {}
    /// Tells the call how it ended; may be called on any thread, once.
    var end: @Sendable (Ending) -> Void
}

/// All calls of this process that wait for a task, in the order in which they came.
///
/// One for all event loops, so that first come is first served whatever loop a connection is on. A call is parked, then
/// being served, then gone; or parked again, in its place, where there was nothing for it.
final class ParkingLot: Sendable {
    private struct Served {
        var isAbandoned = false
        var isWaitOver = false
    }

    private struct State {
        var parked: [UInt64: ParkedCall] = [:]
        /// In order; ids that are parked no more are passed over.
        var order = Deque<UInt64>()
        var served: [UInt64: Served] = [:]
        var lastID: UInt64 = 0
        /// How many times somebody said that there may be tasks.
        var wakes: UInt64 = 0
        var isClosed = false
        /// How many tasks came while calls were being served.
        var missedTasks = 0

        mutating func remove(_ id: UInt64) -> Bool {
            guard parked.removeValue(forKey: id) != nil else { return false }
            // Ids that are gone are passed over, unless most are.
            if order.count > 64, order.count > 2 * parked.count { order.removeAll { parked[$0] == nil } }
            return true
        }
    }

    private let state = NIOLockedValueBox(State())
    private let callsMax: Int

    init(callsMax: Int = Limits.waitersMax) { self.callsMax = callsMax }

    /// How many calls wait.
    var count: Int { state.withLockedValue { $0.parked.count + $0.served.count } }

    /// Whether somebody waits, so that a call that comes now has to stand behind them.
    var isEmpty: Bool { count == 0 }

    /// Rises whenever tasks may have come.
    var wakes: UInt64 { state.withLockedValue(\.wakes) }

    /// Tasks may have come.
    func noteWake() { state.withLockedValue { $0.wakes += 1 } }

    func makeID() -> UInt64 {
        state.withLockedValue { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// Parks a call behind all that came before it.
    ///
    /// Returns whether tasks may have come since `wakes` was read, so that somebody has to look. Throws
    /// `limitWaiters` where too many wait, and `draining` once the lot is closed.
    func park(_ call: ParkedCall, since wakes: UInt64) throws(SchedulerError) -> Bool {
        let (refusal, isLate) = state.withLockedValue { state -> (SchedulerError?, Bool) in
            guard !state.isClosed else { return (ParkingLot.draining, false) }
            guard state.parked.count + state.served.count < callsMax else {
                let error = SchedulerError(
                    .limitWaiters, "At most \(callsMax) calls may wait for a task", retryAfter: .seconds(1))
                return (error, false)
            }
            state.parked[call.id] = call
            // Mostly it is the last.
            let index = state.order.lastIndex { $0 < call.id }.map { $0 + 1 } ?? 0
            state.order.insert(call.id, at: index)
            return (nil, state.wakes != wakes)
        }
        if let refusal { throw refusal }
        return isLate
    }

    /// The call is given up; says whether it was parked, and is gone now.
    ///
    /// Otherwise what it is given comes to its `end`.
    func abandon(_ id: UInt64) -> Bool {
        state.withLockedValue { state in
            state.served[id]?.isAbandoned = true
            return state.remove(id)
        }
    }

    /// Takes a call off that may be parked again; says whether it was parked.
    func withdraw(_ id: UInt64) -> Bool { state.withLockedValue { $0.remove(id) } }

    /// The call's wait is over; says whether it was parked, and is gone now.
    ///
    /// Otherwise it ends when it was served.
    func endWait(_ id: UInt64) -> Bool {
        state.withLockedValue { state in
            state.served[id]?.isWaitOver = true
            return state.remove(id)
        }
    }

    /// The first calls that want `tasks` together, or the first one; they are being served from now on.
    ///
    /// None while others are being served: they may have to be parked in front of these. ``parkAgain(_:)`` tells then.
    func take(tasks: Int) -> [ParkedCall] {
        state.withLockedValue { state in
            guard state.served.isEmpty else {
                state.missedTasks += tasks
                return []
            }
            var calls: [ParkedCall] = []
            var wanted = 0
            while let id = state.order.first {
                guard let call = state.parked[id] else {
                    state.order.removeFirst()
                    continue
                }
                guard calls.isEmpty || wanted + call.caller.wanted <= tasks else { break }
                wanted += call.caller.wanted
                state.order.removeFirst()
                state.parked[id] = nil
                state.served[id] = Served()
                calls.append(call)
            }
            return calls
        }
    }

    /// These calls got something, or failed.
    func leave(_ calls: some Sequence<ParkedCall>) {
        state.withLockedValue { state in
            for call in calls { state.served[call.id] = nil }
        }
    }

    /// There was nothing for these calls: they are parked again where they were.
    ///
    /// Returns how many tasks came while these and others were being served, now that nobody is.
    func parkAgain(_ calls: [ParkedCall]) -> Int {
        let (over, isClosed, missed) = state.withLockedValue { state -> ([ParkedCall], Bool, Int) in
            var over: [ParkedCall] = []
            for call in calls.reversed() {
                guard let served = state.served.removeValue(forKey: call.id) else { continue }
                if served.isWaitOver || served.isAbandoned || state.isClosed {
                    over.append(call)
                } else {
                    state.parked[call.id] = call
                    state.order.prepend(call.id)
                }
            }
            guard state.served.isEmpty else { return (over, state.isClosed, 0) }
            defer { state.missedTasks = 0 }
            return (over, state.isClosed, state.missedTasks)
        }
        for call in over { call.end(isClosed ? .failed(ParkingLot.draining) : .nothing) }
        return missed
    }

    /// Ends all calls: the server is shutting down.
    func close() {
        let calls = state.withLockedValue { state in
            state.isClosed = true
            defer {
                state.parked = [:]
                state.order = []
            }
            return Array(state.parked.values)
        }
        for call in calls { call.end(.failed(ParkingLot.draining)) }
    }

    private static let draining = SchedulerError(.draining, "The server is shutting down")
}
