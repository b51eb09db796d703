import DMSModel
import NIOCore
import Synchronization

/// What is known of one held task: shared by its handle, which may be used anywhere, and by the renewals.
final class Hold: Sendable {
    private struct State {
        var ending: HoldEnd?
        /// When the lease has ended for certain unless it is renewed; nil: there is none any more.
        var leaseEnd: NIODeadline?
        var nextRenewal: NIODeadline
        /// Reports that are under way.
        var reports = 0
        /// Whether the lease is to be ended by the next call that fetches tasks.
        var awaitsAck = false
        /// Whether nobody has a handle any more.
        var isForgotten = false
        var waiters: [UInt64: AsyncStream<HoldEnd>.Continuation] = [:]
        var lastWaiter: UInt64 = 0
    }

    let lease: LeaseReference
    /// How long the lease is, from each renewal on.
    let length: TimeAmount
    private let acks: PendingAcks
    private let state: Mutex<State>

    /// - Parameters:
    ///   - left: How much of the lease is left, by the clocks of both sides; what is left may be less than it seems, or more.
    ///   - acks: Where acknowledgements wait for the next call.
    init(lease: LeaseReference, length: TimeAmount, left: TimeAmount, acks: PendingAcks, now: NIODeadline) {
        self.lease = lease
        self.length = length
        self.acks = acks
        let third = TimeAmount.nanoseconds(length.nanoseconds / 3)
        let firstRenewal = TimeAmount.nanoseconds(max(0, min(left.nanoseconds / 3, third.nanoseconds)))
        state = Mutex(State(leaseEnd: now + length, nextRenewal: now + firstRenewal))
    }

    var ending: HoldEnd? { state.withLock(\.ending) }

    func ended() async -> HoldEnd? {
        let (stream, continuation) = AsyncStream.makeStream(of: HoldEnd.self)
        let id = state.withLock { state -> UInt64 in
            state.lastWaiter += 1
            if let ending = state.ending {
                continuation.yield(ending)
            } else {
                state.waiters[state.lastWaiter] = continuation
            }
            return state.lastWaiter
        }
        defer { _ = state.withLock { $0.waiters.removeValue(forKey: id) } }
        for await ending in stream { return ending }
        return nil
    }

    /// The task is no longer ours; only the first reason counts.
    func end(_ ending: HoldEnd) {
        let waiters = state.withLock { state -> [AsyncStream<HoldEnd>.Continuation] in
            guard state.ending == nil else { return [] }
            state.ending = ending
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.yield(ending) }
    }

    // MARK: Reports

    func reportBegins() { state.withLock { $0.reports += 1 } }

    /// A report has its answer; nil where it decided nothing.
    func reportEnds(_ ending: HoldEnd?) {
        state.withLock { $0.reports -= 1 }
        if let ending { end(ending) }
    }

    // MARK: Acknowledgements

    /// The lease is to end with the next call that fetches tasks.
    func awaitAck() {
        let isNew = state.withLock { state in
            defer { state.awaitsAck = true }
            return !state.awaitsAck && state.ending == nil
        }
        if isNew { acks.add(self) }
    }

    /// Nobody has a handle any more: the lease is left to itself, or renewed until it is acknowledged, if that is to come.
    func forget() {
        let isOver = state.withLock { state in
            state.isForgotten = true
            return !state.awaitsAck
        }
        if isOver { end(.lost) }
    }

    /// What came of an acknowledgement.
    func acknowledged(_ outcome: LeaseOutcome) {
        let isForgotten = state.withLock { state in
            if outcome.error == nil { state.leaseEnd = nil }
            state.awaitsAck = false
            return state.isForgotten
        }
        settle(outcome)
        if isForgotten { end(.lost) }
    }

    // MARK: Renewals

    /// What is to be done about the lease.
    enum Renewal: Equatable {
        /// Nothing, ever: the task is no longer ours.
        case over
        case due
        case wait(until: NIODeadline)
    }

    func renewal(now: NIODeadline) -> Renewal {
        let isLost = state.withLock { state in
            guard state.reports == 0, let leaseEnd = state.leaseEnd else { return false }
            return leaseEnd <= now
        }
        if isLost { end(.lost) }
        return state.withLock { state in
            if state.ending != nil { return .over }
            if state.reports > 0 { return .wait(until: now + pause) }
            if state.nextRenewal <= now { return .due }
            return .wait(until: min(state.nextRenewal, state.leaseEnd ?? .distantFuture))
        }
    }

    /// A renewal is under way, and none follows before its answer is there, or cannot be expected any more.
    func renewalBegins(now: NIODeadline) { state.withLock { $0.nextRenewal = now + length } }

    /// What came of a renewal that was sent at that moment.
    func renewed(_ outcome: LeaseOutcome, sentAt: NIODeadline) {
        state.withLock { state in
            state.nextRenewal = sentAt + .nanoseconds(length.nanoseconds / 3)
            guard outcome.error == nil, state.leaseEnd != nil else { return }
            state.leaseEnd = outcome.leaseExpiresAt == nil ? nil : sentAt + length
        }
        settle(outcome)
    }

    /// A renewal failed in a way that says nothing of the lease: soon again.
    func renewalFailed(now: NIODeadline) { state.withLock { $0.nextRenewal = now + pause } }

    private var pause: TimeAmount {
        min(max(.nanoseconds(length.nanoseconds / 20), .milliseconds(20)), .seconds(2))
    }

    private func settle(_ outcome: LeaseOutcome) {
        // What comes while a report is under way is for the report to say: after a Finish there is no lease to renew.
        guard state.withLock({ $0.reports == 0 }) else { return }
        switch outcome.error?.reason {
        case .leaseLost, .taskNotFound: end(.lost)
        default: if outcome.isCanceled { end(.canceled) }
        }
    }
}

/// Acknowledgements that wait for the next call that fetches tasks.
final class PendingAcks: Sendable {
    private let holds = Mutex<[Hold]>([])

    func add(_ hold: Hold) { holds.withLock { $0.append(hold) } }

    /// Takes out as many as a call may carry.
    func take() -> [Hold] {
        holds.withLock { holds in
            let taken = Array(holds.prefix(Limits.nextTasksMax))
            holds.removeFirst(taken.count)
            return taken
        }
    }
}
