import DMSModel
import DMSWire
import NIOCore

/// Renews the leases of a client's held tasks, many with one call; lives on the client's event loop.
final class LeaseKeeper {
    /// How long a renewal may take at most; it may be tried again before the lease ends.
    private static let deadlineMax = TimeAmount.seconds(10)
    private static let deadlineMin = TimeAmount.milliseconds(500)

    private let eventLoop: any EventLoop
    private weak var client: DMSClient?
    private var holds: [Hold] = []
    private lazy var timer = ExpiryTimer(eventLoop: eventLoop) { [weak self] in self?.renew() }

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func add(_ holds: [Hold], client: DMSClient) {
        self.client = client
        self.holds += holds
        renew()
    }

    /// Renews what is due, forgets what is over, and sets the clock for the rest.
    private func renew() {
        let now = NIODeadline.now()
        var due: [Hold] = []
        var earliest: NIODeadline?
        holds.removeAll { hold in
            switch hold.renewal(now: now) {
            case .over: return true
            case .due: due.append(hold)
            case .wait(let moment): earliest = min(moment, earliest ?? moment)
            }
            return false
        }
        if let earliest { timer.arm(at: earliest) }
        var rest = due[...]
        while !rest.isEmpty {
            send(Array(rest.prefix(Limits.nextTasksMax)), now: now)
            rest = rest.dropFirst(Limits.nextTasksMax)
        }
    }

    private func send(_ due: [Hold], now: NIODeadline) {
        guard let client else { return }
        for hold in due { hold.renewalBegins(now: now) }
        let shortest = due.map(\.length).min() ?? LeaseKeeper.deadlineMax
        let deadline = min(
            max(.nanoseconds(shortest.nanoseconds / 3), LeaseKeeper.deadlineMin), LeaseKeeper.deadlineMax)
        let request = client.makeRequest(
            Methods.Submitter.renew, LeaseRenewal(leases: due.map(\.lease)), retry: .replaySafe,
            options: CallOptions(deadline: .nanoseconds(deadline.nanoseconds)))
        let keeper = NIOLoopBound(self, eventLoop: eventLoop)
        client.start(request) { outcome in
            LeaseKeeper.settle(due, outcome, sentAt: now)
            keeper.value.renew()
        }
    }

    private static func settle(_ holds: [Hold], _ outcome: PendingCall.Outcome, sentAt: NIODeadline) {
        var outcomes: [TaskID: LeaseOutcome] = [:]
        if case .success(let answer) = outcome, let response = try? RenewResponse.decode(answer) {
            for outcome in response.outcomes { outcomes[outcome.taskID] = outcome }
        }
        for hold in holds {
            if let outcome = outcomes[hold.lease.taskID], outcome.saysSomething {
                hold.renewed(outcome, sentAt: sentAt)
            } else {
                hold.renewalFailed(now: .now())
            }
        }
    }
}

extension LeaseOutcome {
    /// Whether the outcome decides about the lease; the store may have been away.
    var saysSomething: Bool { error == nil || error?.reason == .leaseLost || error?.reason == .taskNotFound }
}
