/// A `Next` that is repeated gets what it got first.
extension Ledger {
    func replayViolations() -> [Violation] {
        var violations: [Violation] = []
        for (name, attempts) in index.fetches {
            let answers = attempts.compactMap { call -> (call: Call, tasks: [SeenTask])? in
                guard case .done(.tasks(let tasks, _)) = call.outcome else { return nil }
                return (call, tasks)
            }
            guard let first = answers.first(where: { !$0.tasks.isEmpty }) else { continue }
            for other in answers where other.tasks != first.tasks {
                if other.tasks.isEmpty, !first.call.precedes(other.call) { continue }
                violations.append(
                    Violation(
                        rule: .replay, sentence: "'\(name)' asked again and was given something else",
                        tasks: (first.tasks + other.tasks).map(\.task),
                        calls: [first.call.number, other.call.number]))
            }
        }
        return violations
    }
}
