import DMSModel

/// A task has one holder at a time.
extension Ledger {
    func holderViolations() -> [Violation] {
        var violations: [Violation] = []
        for (task, deliveries) in index.deliveries {
            for (first, second) in zip(deliveries, deliveries.dropFirst()) {
                guard let sentence = overlap(first, second) else { continue }
                violations.append(violation(.oneHolder, sentence, task, first.calls + second.calls))
            }
        }
        return violations
    }

    private func overlap(_ first: Delivery, _ second: Delivery) -> String? {
        if first.seen.attempt == second.seen.attempt { return "one hand-out was delivered twice, as two" }
        guard first.isLeased, let end = first.seen.leaseEndsAt else {
            return "a task that was handed out without a lease was handed out again"
        }
        let uses = index.uses[first.proof] ?? []
        let isGivenBack = uses.contains { use in
            use.action == .giveBack && use.mayBeDone && use.call.invoked.order < second.completed.order
        }
        if isGivenBack { return nil }
        if uses.contains(where: { $0.action == .ack && $0.outcome == .done }) {
            return "a task was handed out again though its holder had acknowledged it"
        }
        let last = uses.filter { $0.outcome == .done }.compactMap(\.leaseEndsAt).reduce(end, max)
        guard second.grantedAtMost < last else { return nil }
        return "a task was handed out again \(last - second.grantedAtMost) µs before its lease ended"
    }
}

/// A token that is over does nothing; a token that is not over is not refused.
extension Ledger {
    /// Tasks of one call end up to a slice of time later than the answer says, and a little for each task.
    private static let leaseSlackMicroseconds: Int64 = 25_000

    func fencingViolations() -> [Violation] {
        var violations: [Violation] = []
        for (proof, uses) in index.uses {
            let deliveries = index.deliveries[proof.task] ?? []
            let own = deliveries.last { $0.seen.token == proof.token }
            for use in uses where use.outcome == .done {
                guard let sentence = reason(against: use, uses, own, deliveries) else { continue }
                violations.append(
                    violation(.fencing, sentence, proof.task, [use.call.number] + (own?.calls ?? [])))
            }
        }
        return violations
    }

    private func reason(against use: Use, _ uses: [Use], _ own: Delivery?, _ deliveries: [Delivery]) -> String? {
        guard let own else { return "a token that nobody was given was taken" }
        let isRepeated = uses.contains { other in
            other.call.number != use.call.number && other.action == use.action && other.mayBeDone
                && other.call.mayAffect(use.call)
        }
        if use.action == .giveBack, isRepeated { return nil }
        let later = deliveries.first { $0.seen.attempt > own.seen.attempt }
        if let later, later.completed.order < use.call.invoked.order {
            return "the token of an earlier holder was taken"
        }
        guard own.isLeased else {
            return use.isFinish ? nil : "a task without a lease was taken for one with a lease"
        }
        let isFinished = uses.contains {
            $0.isFinish && $0.mayBeDone && $0.call.mayAffect(use.call) && $0.call.number != use.call.number
        }
        let mayBeKept =
            uses.contains { ($0.action == .ack || $0.action == .renew) && $0.outcome == .unknown }
            || uses.contains { $0.action == .ack && $0.outcome == .done && $0.call.number != use.call.number }
        let isCanceled = index.cancels[own.seen.task]?.contains(where: \.mayBeDone) == true
        if isRepeated && use.isFinish || isFinished || mayBeKept || isCanceled { return nil }
        let end = uses.filter { $0.outcome == .done && $0.call.number != use.call.number }.compactMap(\.leaseEndsAt)
            .reduce(own.seen.leaseEndsAt ?? 0, max)
        let late = use.call.invoked.redisAtLeast - end
        return late > Ledger.leaseSlackMicroseconds ? "a token was taken \(late) µs after its lease had ended" : nil
    }

    func leaseLostViolations() -> [Violation] {
        var violations: [Violation] = []
        for (proof, uses) in index.uses {
            let deliveries = index.deliveries[proof.task] ?? []
            guard let own = deliveries.last(where: { $0.seen.token == proof.token }) else { continue }
            for use in uses where use.outcome == .refused(.taskNotFound) {
                violations.append(
                    violation(.acknowledged, "a task that was handed out was not found", proof.task, [use.call.number]))
            }
            for use in uses where use.outcome == .refused(.leaseLost) && !isJustified(use, uses, own, deliveries) {
                violations.append(
                    violation(
                        .leaseLost, "a holder was told LEASE_LOST while its lease ran", proof.task,
                        [use.call.number] + own.calls))
            }
        }
        return violations
    }

    private func isJustified(_ use: Use, _ uses: [Use], _ own: Delivery, _ deliveries: [Delivery]) -> Bool {
        guard own.isLeased || use.isFinish else { return true }
        let others = uses.filter { $0.call.number != use.call.number && $0.mayBeDone && $0.call.mayAffect(use.call) }
        let isOver = others.contains { other in
            other.action == .giveBack || other.isFinish && use.action != .ack && other.action != use.action
        }
        if isOver { return true }
        if deliveries.contains(where: { $0.seen.attempt > own.seen.attempt }) { return true }
        guard own.isLeased else { return false }
        if others.contains(where: { $0.action == .ack && $0.outcome == .done && $0.call.precedes(use.call) }) {
            return false
        }
        let end = others.filter { $0.outcome == .done && $0.call.precedes(use.call) }.compactMap(\.leaseEndsAt)
            .reduce(own.seen.leaseEndsAt ?? 0, max)
        guard let completed = use.call.completed else { return true }
        return completed.redisAtMost >= end
    }
}
