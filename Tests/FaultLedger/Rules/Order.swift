import DMSModel

/// Tasks come in strict order: all high before all mid before all low, first in first out in each, and who came back where it was.
///
/// Only such tasks are compared of which every move is known: a task that was undelivered, moved or canceled stands where no
/// client can tell.
extension Ledger {
    /// Something that is known to stand in front of others from one moment to another.
    private struct Leader {
        var since: Int
        var until: Int
        var task: String
        var calls: [Int]
    }

    /// Something that happened, as a whole, between two moments.
    private struct Follower {
        var start: Int
        var end: Int
        var task: String
        var calls: [Int]
    }

    func orderViolations() -> [Violation] {
        var violations: [Violation] = []
        let clean = index.enqueues.keys.filter(isClean)
        let byPriority = Dictionary(grouping: clean) { submission(of: $0)?.priority ?? .low }
        for (priority, tasks) in byPriority {
            let leaders = tasks.compactMap(leader)
            violations += inversions(leaders, tasks.flatMap(submitted), "a task overtook one that was submitted before")
            let lower = index.deliveries.values.joined().filter { $0.seen.priority < priority }
            violations += inversions(
                leaders, lower.map(handedOut), "a task overtook one of a higher priority")
            violations += inversions(
                returned(priority), tasks.flatMap { index.deliveries[$0] ?? [] }.map(handedOut),
                "a fresh task overtook one that had come back to the head")
        }
        for priority in Priority.allCases {
            violations += overtakings(returned(priority), deliveredAgain(priority))
        }
        return violations + answerOrderViolations(Set(clean))
    }

    /// Whether the task was submitted, handed out once, and never stood anywhere else.
    private func isClean(_ task: String) -> Bool {
        trails[task] == Trail(dispatched: 1) && index.deliveries[task]?.count == 1 && isLeftAlone(task)
    }

    private func isLeftAlone(_ task: String) -> Bool {
        index.moves[task]?.contains(where: \.mayBeDone) != true
            && index.cancels[task]?.contains(where: \.mayBeDone) != true
    }

    private func leader(_ task: String) -> Leader? {
        guard let enqueue = index.enqueues[task]?.first(where: \.isDone), let since = enqueue.completed?.order,
            let delivery = index.deliveries[task]?.first
        else { return nil }
        return Leader(
            since: since, until: delivery.invoked.order, task: task, calls: [enqueue.number] + delivery.calls)
    }

    /// From its submission to its arrival.
    private func submitted(_ task: String) -> [Follower] {
        guard let enqueue = index.enqueues[task]?.first, let delivery = index.deliveries[task]?.first else { return [] }
        return [
            Follower(
                start: enqueue.invoked.order, end: delivery.completed.order, task: task,
                calls: [enqueue.number] + delivery.calls)
        ]
    }

    private func handedOut(_ delivery: Delivery) -> Follower {
        Follower(
            start: delivery.invoked.order, end: delivery.completed.order, task: delivery.seen.task,
            calls: delivery.calls)
    }

    /// Tasks that were seen queued again, or were given back, every hand-out of which is known.
    private func returned(_ priority: Priority) -> [Leader] {
        index.gets.merging(index.returns, uniquingKeysWith: +).flatMap { task, calls -> [Leader] in
            let deliveries = index.deliveries[task] ?? []
            guard let trail = trails[task], trail.undelivered == 0, trail.dispatched == deliveries.count,
                isLeftAlone(task), submission(of: task)?.priority == priority
            else { return [] }
            return calls.compactMap { call in
                guard let seen = call.shownTask, seen.status == .queued, seen.attempt > 0, isLasting(call),
                    let since = call.completed?.order,
                    let next = deliveries.first(where: { $0.seen.attempt == seen.attempt + 1 })
                else { return nil }
                return Leader(
                    since: since, until: next.invoked.order, task: task, calls: [call.number] + next.calls)
            }
        }
    }

    /// Hand-outs of tasks that had come back before, every move of which is known.
    private func deliveredAgain(_ priority: Priority) -> [Follower] {
        index.deliveries.flatMap { task, deliveries -> [Follower] in
            guard let trail = trails[task], trail.undelivered == 0, trail.dispatched == deliveries.count,
                isLeftAlone(task), submission(of: task)?.priority == priority
            else { return [] }
            return deliveries.dropFirst().map(handedOut)
        }
    }

    /// Who came back stands where it was: in front of all that were submitted behind it, those that came back too among them.
    private func overtakings(_ leaders: [Leader], _ followers: [Follower]) -> [Violation] {
        followers.flatMap { follower in
            leaders.filter { leader in
                leader.since < follower.start && leader.until > follower.end
                    && isSubmitted(leader.task, before: follower.task)
            }.prefix(1).map { leader in
                Violation(
                    rule: .order, sentence: "a task that had come back overtook one that belongs in front of it",
                    tasks: [leader.task, follower.task], calls: leader.calls + follower.calls)
            }
        }
    }

    private func isSubmitted(_ task: String, before other: String) -> Bool {
        guard let earlier = index.enqueues[task]?.first(where: \.isDone), let later = index.enqueues[other]?.first
        else { return false }
        return earlier.precedes(later)
    }

    /// Who began behind a leader's place was known, and ended before the leader moved.
    private func inversions(_ leaders: [Leader], _ followers: [Follower], _ sentence: String) -> [Violation] {
        let leaders = leaders.sorted { $0.since < $1.since }
        var ahead = 0
        var last: Leader?
        var violations: [Violation] = []
        for follower in followers.sorted(by: { $0.start < $1.start }) {
            while ahead < leaders.count, leaders[ahead].since < follower.start {
                if leaders[ahead].until > last?.until ?? -1 { last = leaders[ahead] }
                ahead += 1
            }
            guard let last, last.until > follower.end else { continue }
            violations.append(
                Violation(
                    rule: .order, sentence: sentence, tasks: [last.task, follower.task],
                    calls: last.calls + follower.calls))
        }
        return violations
    }

    /// Within one answer, too.
    private func answerOrderViolations(_ clean: Set<String>) -> [Violation] {
        var violations: [Violation] = []
        for call in history.calls {
            let tasks = call.shownTasks.filter { clean.contains($0.task) }
            for (first, second) in zip(tasks, tasks.dropFirst()) where first.priority == second.priority {
                guard let earlier = index.enqueues[second.task]?.first(where: \.isDone),
                    let later = index.enqueues[first.task]?.first, earlier.precedes(later)
                else { continue }
                violations.append(
                    Violation(
                        rule: .order, sentence: "an answer holds tasks in the wrong order",
                        tasks: [first.task, second.task], calls: [call.number]))
            }
        }
        return violations
    }
}
