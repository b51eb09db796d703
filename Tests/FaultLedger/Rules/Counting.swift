import DMSModel

/// Counters count what happened, once each.
extension Ledger {
    func counterViolations() -> [Violation] {
        var violations: [Violation] = []
        let submitted = Tally(history.calls) { call in
            guard case .enqueue = call.operation else { return false }
            return true
        }
        let canceled = Tally(firsts(index.cancels)) { _ in true }
        let deliveries = index.deliveries.values.joined().map(\.completed.order).sorted()
        for call in history.calls {
            guard case .statistics = call.operation, case .done(.counters(let counters)) = call.outcome else {
                continue
            }
            let ranges: [(String, Int, ClosedRange<Int>)] = [
                ("queued", counters.queued, submitted.bounds(at: call)),
                ("canceled", counters.canceled, 0...canceled.bounds(at: call).upperBound),
                (
                    "dispatched", counters.dispatched,
                    deliveries.count(upTo: call.invoked.order)...Int.max
                ),
            ]
            for (name, value, range) in ranges where !range.contains(value) {
                violations.append(
                    Violation(
                        rule: .counters, sentence: "the counter \(name) was \(value), which is not in \(range)",
                        tasks: [],
                        calls: [call.number]))
            }
        }
        let requeued = trails.values.reduce(0) { $0 + $1.requeued }
        if !trails.isEmpty, areTrailsComplete, let counted = snapshot.counters.requeued, counted != requeued {
            violations.append(
                Violation(
                    rule: .counters, sentence: "requeued is \(counted), but tasks went back \(requeued) times",
                    tasks: [],
                    calls: []))
        }
        return violations
    }

    /// Every call that may have been the one that counted.
    private func firsts(_ calls: [String: [Call]]) -> [Call] {
        calls.values.compactMap { calls in
            calls.filter(\.mayBeDone).min { $0.invoked.order < $1.invoked.order }
        }
    }

    /// How many calls of a kind were done by a moment, at least and at most.
    private struct Tally {
        /// Moments by which a call was done for sure, in order.
        private var done: [Int] = []
        /// Moments from which a call may have been done, in order.
        private var begun: [Int] = []

        init(_ calls: [Call], _ isCounted: (Call) -> Bool) {
            for call in calls where isCounted(call) && call.mayBeDone {
                begun.append(call.invoked.order)
                if call.isDone, let completed = call.completed { done.append(completed.order) }
            }
            done.sort()
            begun.sort()
        }

        func bounds(at call: Call) -> ClosedRange<Int> {
            let least = done.count(upTo: call.invoked.order)
            return least...max(least, begun.count(upTo: call.completed?.order ?? .max))
        }
    }
}

extension [Int] {
    /// How many of a sorted array are at most that.
    func count(upTo limit: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= limit { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A block refuses every submission, and nothing else does.
extension Ledger {
    func blockViolations() -> [Violation] {
        let switches = history.calls.compactMap { call -> (call: Call, blocks: Bool)? in
            guard case .block(let blocks) = call.operation, call.mayBeDone else { return nil }
            return (call, blocks)
        }
        return history.calls.compactMap { call in
            guard case .enqueue(let submission) = call.operation else { return nil }
            let isWrong: Bool
            switch call.outcome {
            case .refused(.submissionsBlocked): isWrong = !mayBe(true, at: call, switches)
            case .done: isWrong = !mayBe(false, at: call, switches)
            default: return nil
            }
            guard isWrong else { return nil }
            return violation(
                .blocking, "a submission was answered against the block", submission.task, [call.number])
        }
    }

    /// Whether the flag may have been that at some moment of the call; in the beginning it is open.
    private func mayBe(_ blocked: Bool, at call: Call, _ switches: [(call: Call, blocks: Bool)]) -> Bool {
        let before = switches.filter { $0.call.mayAffect(call) }
        let others = before.filter { $0.blocks != blocked && $0.call.isDone && $0.call.precedes(call) }
        let same = before.filter { $0.blocks == blocked }
        // Somebody set it so, and nobody is sure to have set it otherwise in between.
        if same.contains(where: { mine in
            !mine.call.isDone || !others.contains { mine.call.precedes($0.call) }
        }) {
            return true
        }
        return !blocked && others.isEmpty
    }
}
