import DMSModel

/// What is finished or canceled stays so, and nothing ends without somebody who ended it.
extension Ledger {
    func finalityViolations() -> [Violation] {
        var violations: [Violation] = []
        for (task, record) in snapshot.records { violations += causeViolations(task, record.task) }
        for (task, ends) in endings() { violations += laterViolations(task, ends) }
        return violations
    }

    /// A call that ended a task, and the state that it gave it.
    private struct End {
        var call: Call
        var status: TaskStatus
        var text: String
    }

    private func endings() -> [String: [End]] {
        var endings: [String: [End]] = [:]
        for (proof, uses) in index.uses {
            for use in uses {
                guard case .finish(let ending) = use.action, use.outcome == .done else { continue }
                endings[proof.task, default: []].append(
                    End(call: use.call, status: ending.status, text: ending.text))
            }
        }
        for (task, calls) in index.cancels {
            for call in calls where call.isDone {
                endings[task, default: []].append(End(call: call, status: .canceled, text: ""))
            }
        }
        return endings
    }

    private func causeViolations(_ task: String, _ record: SeenTask) -> [Violation] {
        switch record.status {
        case .queued, .dispatched: return []
        case .canceled:
            guard index.cancels[task]?.contains(where: \.mayBeDone) != true else { return [] }
            return [violation(.notDone, "a task is canceled though no cancel may have been done", task)]
        case .completed, .failed:
            let ending = Ending(succeeded: record.status == .completed, text: record.text)
            let tokens = Set((index.deliveries[task] ?? []).map(\.seen.token) + [record.token])
            let isCaused = tokens.contains { token in
                index.uses[Proof(task: task, token: token)]?.contains { use in
                    use.action == .finish(ending) && use.mayBeDone
                } == true
            }
            if isCaused { return [] }
            return [violation(.notDone, "a task ended as \(ending) though no such finish may have been done", task)]
        }
    }

    private func laterViolations(_ task: String, _ ends: [End]) -> [Violation] {
        var violations: [Violation] = []
        guard let first = ends.min(by: { ($0.call.completed?.order ?? 0) < ($1.call.completed?.order ?? 0) }) else {
            return []
        }
        let record = snapshot.records[task]?.task
        for end in ends where end.status != record?.status || end.text != (record?.text ?? "") {
            violations.append(
                violation(
                    .finality,
                    "a task ended as \(end.status.rawValue) '\(end.text)' and is in the end \(String(describing: record))",
                    task, [end.call.number]))
        }
        for delivery in index.deliveries[task] ?? [] where first.call.precedes(delivery.invoked) {
            violations.append(violation(.finality, "a task was handed out after it had ended", task, delivery.calls))
        }
        for call in index.gets[task] ?? [] where first.call.precedes(call) {
            guard let seen = call.shownTask, seen.status != first.status else { continue }
            violations.append(
                violation(.finality, "a task that had ended was shown as \(seen.status.rawValue)", task, [call.number]))
        }
        return violations
    }
}
