import DMSModel

/// What was acknowledged is there, what was refused is not, and everything ends.
extension Ledger {
    func submissionViolations() -> [Violation] {
        var violations: [Violation] = []
        for (task, calls) in index.enqueues {
            violations += recordViolations(of: task, calls)
            violations += repeatedViolations(of: task, calls)
        }
        for (task, record) in snapshot.records {
            if index.enqueues[task] == nil {
                violations.append(violation(.notDone, "a task is there that nobody submitted", task))
            }
            if record.task.status == .queued || record.task.status == .dispatched {
                violations.append(
                    violation(.acknowledged, "a task is still \(record.task.status.rawValue) in the end", task))
            }
        }
        return violations
    }

    private func recordViolations(of task: String, _ calls: [Call]) -> [Violation] {
        guard let record = snapshot.records[task] else {
            guard calls.contains(where: { $0.isDone || $0.saysTaskExists }) else { return [] }
            return [violation(.acknowledged, "an acknowledged task is gone", task)]
        }
        guard calls.contains(where: \.mayBeDone) else {
            return [violation(.notDone, "a task is there though every submission of it failed for sure", task)]
        }
        guard let submission = submission(of: task), record.task.user == submission.user,
            record.task.parameters == submission.parameters
        else { return [violation(.acknowledged, "a record is not what was submitted: \(record.task)", task)] }
        return []
    }

    private func repeatedViolations(of task: String, _ calls: [Call]) -> [Violation] {
        var violations: [Violation] = []
        if calls.count(where: \.isDone) > 1 {
            violations.append(violation(.acknowledged, "one id was accepted twice", task))
        }
        for call in calls {
            guard call.saysTaskExists else { continue }
            let others = calls.filter { $0.number != call.number && $0.mayBeDone && $0.mayAffect(call) }
            if others.isEmpty { violations.append(violation(.notDone, "a new id was said to exist", task)) }
        }
        return violations
    }

    func submission(of task: String) -> Submission? {
        guard case .enqueue(let submission)? = index.enqueues[task]?.first?.operation else { return nil }
        return submission
    }

    func violation(_ rule: Violation.Rule, _ sentence: String, _ task: String, _ calls: [Int] = []) -> Violation {
        Violation(rule: rule, sentence: sentence, tasks: [task], calls: calls)
    }
}

extension Call {
    /// Whether it was refused because its task is there already.
    fileprivate var saysTaskExists: Bool {
        guard case .refused(.taskExists) = outcome else { return false }
        return true
    }
}

/// A task that nobody is known to hold must have been lost behind the server, under no lease.
extension Ledger {
    /// How long a server that has given a call up may take to put its tasks back, Redis being away as long as it ever is.
    private static let putBackSecondsMax = 15.0
    /// How long what befell a connection to Redis lasts, until a scheduler gives it up.
    private static let outageSecondsMax = 8.0

    func strandedViolations() -> [Violation] {
        history.stranded.compactMap { seen in
            reason(against: seen).map { sentence in
                violation(.delivery, sentence, seen.task, (index.fetches[seen.fetchedBy] ?? []).map(\.number))
            }
        }
    }

    private func reason(against seen: SeenTask) -> String? {
        let attempts = index.fetches[seen.fetchedBy] ?? []
        if attempts.isEmpty { return "a task was handed out to '\(seen.fetchedBy)', who never asked" }
        let received = index.deliveries[seen.task]?.contains { $0.seen.attempt == seen.attempt } == true
        if received { return "a task that was received could not be finished by whoever received it" }
        if !seen.token.isEmpty { return "a task under a lease that nobody received never came back" }
        if attempts.contains(where: { !$0.shownTasks.isEmpty }) {
            return "a task was handed out to '\(seen.fetchedBy)' beside those that the answer held"
        }
        let lost = attempts.filter { call in
            guard case .unknown(let reason) = call.outcome else { return false }
            return !isGivenUp(reason) || !survives(call) || (!isKept(call) && mayHaveLostAnswer(call))
        }
        return lost.isEmpty ? "a task is dispatched to '\(seen.fetchedBy)' though its call took nothing for sure" : nil
    }

    /// Whether the server itself said that the call is given up, so that it knows of the tasks and has to put them back.
    private func isGivenUp(_ reason: String) -> Bool {
        reason == SchedulerError.Reason.cancelled.rawValue || reason == SchedulerError.Reason.deadlineExceeded.rawValue
    }

    /// Whether the server can find out what the call took, though Redis's answer was lost.
    private func isKept(_ call: Call) -> Bool {
        guard case .next(let fetch) = call.operation else { return false }
        return fetch.isRepeatable
    }

    private func mayHaveLostAnswer(_ call: Call) -> Bool {
        let first = call.invoked.seconds - Ledger.outageSecondsMax
        let last = (call.completed?.seconds ?? .infinity) + Ledger.outageSecondsMax
        return history.outages.contains { first...last ~= $0 }
    }

    private func survives(_ call: Call) -> Bool {
        guard call.life < history.lives.count, let ended = history.lives[call.life].ended,
            let completed = call.completed
        else { return true }
        return ended - completed.seconds > Ledger.putBackSecondsMax
    }
}
