import DMSModel

/// Every answer is one to its own question.
extension Ledger {
    func answerViolations() -> [Violation] {
        history.calls.compactMap { call in
            guard let sentence = misfit(call) else { return nil }
            return Violation(rule: .answers, sentence: sentence, tasks: Array(call.tasks), calls: [call.number])
        }
    }

    private func misfit(_ call: Call) -> String? {
        for seen in call.shownTasks {
            guard let submission = submission(of: seen.task) else {
                return "an answer shows a task that nobody submitted"
            }
            guard seen.user == submission.user, seen.parameters == submission.parameters else {
                return "an answer shows \(seen.task) other than it was submitted"
            }
        }
        switch (call.operation, call.outcome) {
        case (.next(let fetch), .done(.tasks(let tasks, let acks))):
            return misfit(call, fetch, tasks) ?? misfit(fetch.acks, acks)
        case (.ack(let proofs), .done(.outcomes(let outcomes))),
            (.renew(let proofs, _), .done(.outcomes(let outcomes))):
            return misfit(proofs, outcomes)
        case (_, .done(.task(let seen))): return misfit(call, seen)
        case (_, .refused(let reason)): return misfit(call, reason)
        default: return nil
        }
    }

    private func misfit(_ call: Call, _ reason: SchedulerError.Reason) -> String? {
        guard let task = call.tasks.first else { return nil }
        let uses = index.uses.filter { $0.key.task == task }.values.joined()
        switch reason {
        case .taskNotFound:
            let isThere = index.enqueues[task]?.contains { $0.isDone && $0.precedes(call) } == true
            return isThere ? "an acknowledged task was not found" : nil
        case .notOwner: return "an owner was told that the task is another's"
        case .taskFinished:
            return uses.contains { $0.isFinish && $0.mayBeDone && $0.call.mayAffect(call) }
                ? nil : "a task was said to be finished that nobody finished"
        case .taskCanceled:
            return index.cancels[task]?.contains { $0.mayBeDone && $0.mayAffect(call) } == true
                ? nil : "a task was said to be canceled that nobody canceled"
        default: return nil
        }
    }

    private func misfit(_ proofs: [Proof], _ outcomes: [ProofOutcome]) -> String? {
        proofs.map(\.task) == outcomes.map(\.task) ? nil : "the outcomes are not those of the leases asked for"
    }

    private func misfit(_ call: Call, _ seen: SeenTask) -> String? {
        guard let asked = call.askedTask, asked == seen.task else { return "the answer is of another task" }
        switch call.operation {
        case .enqueue(let submission):
            guard seen.status == .queued, seen.priority == submission.priority, seen.attempt == 0 else {
                return "a new task is not as it was submitted"
            }
        case .finish(_, let ending):
            guard seen.status == ending.status, seen.text == ending.text else {
                return "a finish is not shown as it was asked for"
            }
        case .cancel:
            guard seen.status == .canceled else { return "a canceled task is shown as \(seen.status.rawValue)" }
        case .setPriority(_, let priority):
            guard seen.priority == priority else { return "a moved task is shown elsewhere" }
        case .giveBack, .get, .next, .ack, .renew, .list, .statistics, .block: break
        }
        return nil
    }

    private func misfit(_ call: Call, _ fetch: Fetch, _ tasks: [SeenTask]) -> String? {
        guard tasks.count <= fetch.tasksMax else { return "an answer holds more tasks than were asked for" }
        guard Set(tasks.map(\.task)).count == tasks.count else { return "an answer holds a task twice" }
        guard zip(tasks, tasks.dropFirst()).allSatisfy({ $0.priority >= $1.priority }) else {
            return "an answer holds tasks in the wrong order of priorities"
        }
        for seen in tasks {
            guard seen.fetchedBy == fetch.name else {
                return "an answer to '\(fetch.name)' is one to '\(seen.fetchedBy)'"
            }
            guard seen.status == .dispatched, seen.attempt > 0 else {
                return "a task was handed out that is not dispatched"
            }
            guard seen.token.isEmpty == (fetch.leaseMilliseconds == 0) else {
                return "the lease is not as it was asked for"
            }
            guard let end = seen.leaseEndsAt else { continue }
            let granted = end - Int64(fetch.leaseMilliseconds) * 1000
            let first = index.fetches[fetch.name]?.first?.invoked.redisAtLeast ?? .min
            guard granted >= first, granted <= call.completed?.redisAtMost ?? .max else {
                return "a lease does not count from when the task was handed out"
            }
        }
        return nil
    }
}

/// Lists show every task once.
extension Ledger {
    func listViolations() -> [Violation] {
        let byUser = Dictionary(grouping: index.enqueues.keys) { submission(of: $0)?.user ?? "" }
        var violations: [Violation] = []
        for call in history.calls {
            guard case .list(let user) = call.operation, case .done(.ids(let ids)) = call.outcome else { continue }
            let shown = Set(ids)
            let own = byUser[user] ?? []
            let missing = own.filter { task in
                !shown.contains(task) && index.enqueues[task]?.contains { $0.isDone && $0.precedes(call) } == true
            }
            if !missing.isEmpty {
                violations.append(
                    Violation(rule: .lists, sentence: "a list lacks tasks", tasks: missing, calls: [call.number]))
            }
            if shown.count != ids.count {
                let twice = Dictionary(grouping: ids) { $0 }.filter { $1.count > 1 }.keys
                violations.append(
                    Violation(
                        rule: .lists, sentence: "a list shows tasks twice", tasks: Array(twice), calls: [call.number]))
            }
            let strange = shown.subtracting(own)
            if !strange.isEmpty {
                violations.append(
                    Violation(
                        rule: .lists, sentence: "a list shows tasks of others", tasks: Array(strange),
                        calls: [call.number]))
            }
        }
        return violations
    }
}

extension Call {
    fileprivate var askedTask: String? {
        switch operation {
        case .enqueue(let submission): submission.task
        case .giveBack(let proof), .finish(let proof, _): proof.task
        case .cancel(let task), .setPriority(let task, _), .get(let task): task
        case .next, .ack, .renew, .list, .statistics, .block: nil
        }
    }
}
