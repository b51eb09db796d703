import DMSModel
import Scheduler
import TestSupport
import Testing

/// Every call in every state: what the table of the protocol's document says is what happens.
struct StateTableTests {
    @Test func `the document has the table, and every state can be reached`() {
        #expect(StateTable.rows.count == 11)
        for row in StateTable.rows {
            #expect(Set(row.cells.keys) == Set(StateTable.calls), "\(row.state)")
            #expect(!StatePath.into(row.state).isEmpty, "\(row.state)")
        }
        #expect(Set(StateTable.rows.flatMap { StatePath.into($0.state) }) == Set(StatePath.allCases))
    }

    @Test(arguments: StateTable.rows)
    func `each call does in a state what the document says`(row: StateTable.Row) async throws {
        try await Harness.with { harness in
            for path in StatePath.into(row.state) {
                for call in StateTable.calls {
                    let task = try await harness.make(path, "\(path)-\(call)")
                    let happened = try await harness.outcome(of: call, path, task)
                    #expect(happened == row.cells[call], "\(call), \(path)")
                    try await harness.expectAgreement()
                    try await harness.clear(task)
                }
            }
        }
    }

    @Test(arguments: StatePath.allCases.filter { $0 != .unknown })
    func `any other token is refused in every state, and changes nothing`(path: StatePath) async throws {
        try await Harness.with { harness in
            let task = try await harness.make(path, "a")
            let before = try await harness.contents()
            for token in ["x", task.token + "x", String(task.token.dropLast()), ""] where token != task.token {
                let wrong = task.with(token: token)
                #expect(try await harness.ack(wrong).map(\.error?.reason) == [.leaseLost])
                #expect(try await harness.renew(wrong, milliseconds: 5000).map(\.error?.reason) == [.leaseLost])
                #expect(try await Harness.refusal { try await harness.giveBack(wrong) } == .leaseLost)
                #expect(
                    try await Harness.refusal { try await harness.finish(wrong, result: "1") } == .leaseLost, "\(token)"
                )
            }
            #expect(try await harness.contents() == before)
        }
    }
}

extension Harness {
    /// What the call does to the task, in the words of the document's table.
    fileprivate func outcome(of call: String, _ path: StatePath, _ task: TaskInState) async throws -> String {
        let before = path == .unknown ? nil : try await get(task.id).record
        switch call {
        case "Cancel":
            return try await said(before) { try await cancel(task.id) }
        case "SetPriority":
            return try await said(before) { try await setPriority(task.id, .mid) }
        case "Ack":
            let wasLeased = try await hasLease(task)
            guard let outcome = try await ack(task.reference).first else { throw TestFailure("no outcome") }
            guard outcome.error == nil, !outcome.isCanceled else { return said(outcome) }
            guard try await !hasLease(task) else { throw TestFailure("the lease goes on") }
            return wasLeased ? "OK, lease ended" : "OK"
        case "Renew":
            guard let outcome = try await renew(task.reference).first else { throw TestFailure("no outcome") }
            guard outcome.error == nil, !outcome.isCanceled else { return said(outcome) }
            guard try await hasLease(task) == (outcome.leaseExpiresAt != nil) else {
                throw TestFailure("the lease is not what the outcome says")
            }
            return outcome.leaseExpiresAt == nil ? "OK, no end" : "OK, new end"
        case "Return":
            return try await said(before) { try await giveBack(task.reference) }
        default:
            return try await finishOutcome(path, task, before)
        }
    }

    private func finishOutcome(
        _ path: StatePath, _ task: TaskInState, _ before: TaskRecord?
    ) async throws -> String {
        switch path {
        case .leasedThenCompleted, .dispatchedThenCompleted, .leasedThenFailed, .dispatchedThenFailed:
            let completed = path == .leasedThenCompleted || path == .dispatchedThenCompleted
            let same = try await said(before) {
                try await completed ? finish(task.reference, result: "1") : finish(task.reference, error: "no")
            }
            var others: Set<String> = []
            for other in [
                try await said(before) { try await finish(task.reference, result: "2") },
                try await said(before) { try await finish(task.reference) },
                try await said(before) { try await finish(task.reference, error: "yes") },
                try await said(before) {
                    try await completed ? finish(task.reference, error: "no") : finish(task.reference, result: "1")
                },
            ] { others.insert(other) }
            guard same == "OK, as it is", others.count == 1, let another = others.first else {
                return "the same again: \(same); another: \(others)"
            }
            return "the same again: OK; another: \(another)"
        default:
            return try await said(before) { try await finish(task.reference, result: "1") }
        }
    }

    /// What a call that answers with the task came to.
    private func said(_ before: TaskRecord?, _ call: () async throws -> TaskRecord) async throws -> String {
        do {
            let record = try await call()
            guard try await get(record.taskID.text).record == record else {
                throw TestFailure("the answer is not what is kept: \(record)")
            }
            if record == before { return "OK, as it is" }
            switch record.status {
            case .canceled: return "canceled"
            case .completed: return "ended"
            case .queued: return before?.status == .queued ? "moved" : "queued"
            default: throw TestFailure("unexpected: \(record)")
            }
        } catch let error as SchedulerError {
            // Nothing may have changed.
            if let before, try await get(before.taskID.text).record != before {
                throw TestFailure("refused, and yet changed")
            }
            return "`\(error.reason.rawValue)`"
        }
    }

    private func said(_ outcome: LeaseOutcome) -> String {
        if let error = outcome.error { return "`\(error.reason.rawValue)`" }
        return "OK, `canceled`"
    }

    private func hasLease(_ task: TaskInState) async throws -> Bool {
        try await text("ZSCORE", "dms:leases", task.id) != nil
    }

    /// Takes the task off its queue, so that the next one of the test is alone there.
    fileprivate func clear(_ task: TaskInState) async throws {
        _ = try await Harness.refusal { _ = try await cancel(task.id) }
        if try await text("HGET", "dms:stats", "requeued") == "none" {
            try await redis.call("HDEL", "dms:stats", "requeued")
        }
    }
}
