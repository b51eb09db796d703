/// Checks a history and what Redis holds in the end against what the scheduler promises.
///
/// Nothing here asks a clock or a socket: the same history gets the same verdict.
public struct Ledger {
    let history: History
    let snapshot: StoreSnapshot
    let trails: [String: Trail]
    /// Whether the trails have every write.
    let areTrailsComplete: Bool
    let index: Index

    /// Prepares the check.
    ///
    /// - Parameters:
    ///   - snapshot: What Redis holds when all is healed, drained and finished.
    ///   - trails: What became of every record, from the file that Redis writes; without it order is not checked.
    ///   - areTrailsComplete: Whether the trails have every write, of these tasks and of others.
    public init(
        _ history: History, snapshot: StoreSnapshot, trails: [String: Trail], areTrailsComplete: Bool = true
    ) {
        self.history = history
        self.snapshot = snapshot
        self.trails = trails
        self.areTrailsComplete = areTrailsComplete
        index = Index(history.calls)
    }

    /// Every promise that was broken.
    public func violations() -> [Violation] {
        history.incidents.map { Violation(rule: .incident, sentence: $0, tasks: [], calls: []) }
            + snapshot.problems().map { Violation(rule: .structure, sentence: $0, tasks: [], calls: []) }
            + submissionViolations() + strandedViolations() + finalityViolations()
            + holderViolations() + fencingViolations() + leaseLostViolations() + replayViolations()
            + orderViolations() + answerViolations() + listViolations() + counterViolations() + blockViolations()
    }

    /// The calls that touched some tasks, or fetched them, as lines for people.
    public func relevant(to violation: Violation, linesMax: Int = 60) -> [String] {
        let tasks = Set(violation.tasks)
        let numbers = Set(violation.calls)
        let shown = history.calls.filter { numbers.contains($0.number) || !tasks.isDisjoint(with: $0.tasks) }
        // Other attempts of the same Next, too, whatever came of them.
        let names = Set(shown.compactMap(\.fetchName))
        let lines = history.calls.filter { call in
            numbers.contains(call.number) || !tasks.isDisjoint(with: call.tasks)
                || call.fetchName.map(names.contains) == true
        }.map(\.description)
        return lines.count <= linesMax
            ? lines : Array(lines.prefix(linesMax)) + ["… and \(lines.count - linesMax) more"]
    }
}

extension Call: CustomStringConvertible {
    /// Every task that it names, or that its answer shows.
    var tasks: Set<String> {
        var tasks = Set(shownTasks.map(\.task))
        switch operation {
        case .enqueue(let submission): tasks.insert(submission.task)
        case .next(let fetch): tasks.formUnion(fetch.acks.map(\.task))
        case .ack(let proofs), .renew(let proofs, _): tasks.formUnion(proofs.map(\.task))
        case .giveBack(let proof), .finish(let proof, _): tasks.insert(proof.task)
        case .cancel(let task), .setPriority(let task, _), .get(let task): tasks.insert(task)
        case .list, .statistics, .block: break
        }
        return tasks
    }

    fileprivate var fetchName: String? {
        guard case .next(let fetch) = operation else { return nil }
        return fetch.name
    }

    /// A line for people: who, when, what, and what came of it.
    public var description: String {
        func time(_ moment: Moment?) -> String {
            guard let moment else { return "never" }
            return "\((moment.seconds * 10_000).rounded() / 10_000)"
        }
        return "#\(number) client \(client) \(door) life \(life) [\(time(invoked)) … \(time(completed))] "
            + "\(operation) -> \(outcome)".replacing("FaultLedger.", with: "").replacing("DMSModel.", with: "")
    }
}
