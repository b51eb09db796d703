import DMSModel

/// Counters, lists, indices, records and leases agree after every script, whatever happened beside it.
extension StoreSnapshot {
    private static let mark = "\0gone"

    /// What does not agree, in sentences; may be asked at any moment of a run.
    public func problems() -> [String] {
        Priority.allCases.flatMap(queueProblems) + recordProblems() + indexProblems() + counterProblems()
    }

    private func queueProblems(_ priority: Priority) -> [String] {
        let name = priority.rawValue
        let queue = queues[priority] ?? []
        let order = positions[priority] ?? []
        var problems: [String] = []
        let ids = queue.filter { $0 != StoreSnapshot.mark }
        if Set(ids).count != ids.count { problems.append("the queue \(name) holds an id twice") }
        let agree =
            queue.count == order.count
            && zip(queue, order).allSatisfy { $0 == $1 || $0 == StoreSnapshot.mark && $1.hasPrefix("\0") }
        if !agree { problems.append("the positions of \(name) are not those of its list") }
        if marks[priority] ?? [] != Set(order.filter { $0.hasPrefix("\0") }) {
            problems.append("the marks of \(name) are not those of its positions")
        }
        for id in ids where records[id]?.task.status != .queued || records[id]?.task.priority != priority {
            problems.append(
                "\(id) stands in the queue \(name) and its record is \(String(describing: records[id]?.task))")
        }
        return problems
    }

    private func recordProblems() -> [String] {
        var problems: [String] = []
        let standing = queues.mapValues(Set.init)
        for (id, record) in records where record.task.status == .queued {
            if standing[record.task.priority]?.contains(id) != true {
                problems.append("\(id) is queued and in no queue")
            }
        }
        for id in leased {
            guard let record = records[id], record.task.status == .dispatched, !record.task.token.isEmpty else {
                problems.append("\(id) is under a lease and its record is \(String(describing: records[id]?.task))")
                continue
            }
        }
        for (id, record) in records where record.task.status == .dispatched && !record.task.token.isEmpty {
            if !leased.contains(id) { problems.append("\(id) has a holder and is not among the leases") }
        }
        return problems
    }

    private func indexProblems() -> [String] {
        var problems: [String] = []
        if index != Set(records.keys) { problems.append("the index of ids is not that of the records") }
        if !setAside.isEmpty { problems.append("ids were set aside: \(setAside.sorted().prefix(5))") }
        if !leftOut.isEmpty { problems.append("ids are left out of the order: \(leftOut.sorted().prefix(5))") }
        if enqueued != records.mapValues(\.enqueuedAt) { problems.append("the order is not that of the records") }
        return problems
    }

    private func counterProblems() -> [String] {
        func count(_ status: TaskStatus) -> Int { records.values.count { $0.task.status == status } }
        let expected: [(String, Int?, Int)] = [
            ("queued", counters.queued, records.count),
            ("dispatched", counters.dispatched, records.values.reduce(0) { $0 + $1.task.attempt }),
            ("canceled", counters.canceled, count(.canceled)),
            ("completed", counters.completed, count(.completed)),
            ("failed", counters.failed, count(.failed)),
        ]
        return expected.filter { $1 != $2 }.map { name, counter, counted in
            "the counter \(name) is \(counter ?? 0), and the records say \(counted)"
        }
    }
}
