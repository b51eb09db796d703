import DMSModel
import Scheduler
import TestSupport
import Testing

/// Every call in every state: what the table of the protocol's document says is what happens.
struct StateTableTests {
    @Test func `the document has the table, and every state can be reached`() {
        #expect(StateTable.rows.count == 12)
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
                    let before = try await harness.counters(path)
                    let happened = try await harness.outcome(of: call, path, task)
                    #expect(happened == row.cells[call], "\(call), \(path)")
                    let counted = try await harness.counters(path).subtracting(before)
                    #expect(counted == Counters(of: happened), "\(call), \(path)")
                    try await harness.expectAgreement()
                    try await harness.clear(task)
                }
            }
        }
    }

    @Test(arguments: StatePath.allCases.filter { $0 != .unknown })
    func `another's cancel is refused in every state, and changes nothing`(path: StatePath) async throws {
        try await Harness.with { harness in
            _ = try await harness.make(path, "a")
            let before = try await harness.contents()
            for (service, user) in [("copy", "eve"), ("scan", "ada")] {
                let refusal = try await Harness.refusal {
                    _ = try await harness.cancel("a", service: service, user: user)
                }
                #expect(refusal == .notOwner)
            }
            #expect(try await harness.contents() == before)
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
                // A task that was canceled in its queue has no lease, so that the empty token is not wrong.
                let isRight = path == .returnedThenCanceled && token.isEmpty
                #expect(
                    try await Harness.refusal { try await harness.finish(wrong, result: "1") }
                        == (isRight ? .taskCanceled : .leaseLost), "\(token)")
            }
            #expect(try await harness.contents() == before)
        }
    }
}

/// What a call counted.
private struct Counters: Equatable {
    var canceled = 0
    var finished = 0
    var requeued = 0
    var handedOut = 0

    init(canceled: Int, finished: Int, requeued: Int, handedOut: Int) {
        (self.canceled, self.finished, self.requeued, self.handedOut) = (canceled, finished, requeued, handedOut)
    }

    /// What is to be counted for what the document's table says.
    init(of outcome: String) {
        switch outcome {
        case "canceled": canceled = 1
        case "ended": finished = 1
        case "queued": requeued = 1
        default: break
        }
    }

    func subtracting(_ other: Counters) -> Counters {
        Counters(
            canceled: canceled - other.canceled, finished: finished - other.finished,
            requeued: requeued - other.requeued, handedOut: handedOut - other.handedOut)
    }
}

extension Harness {
    /// The counters as they are; requeues are left out where they are kept from being counted.
    fileprivate func counters(_ path: StatePath) async throws -> Counters {
        func counter(_ name: String) async throws -> Int {
            guard let text = try await text("HGET", "dms:stats", name) else { return 0 }
            guard let number = Int(text) else { throw TestFailure("\(name) is \(text)") }
            return number
        }
        return Counters(
            canceled: try await counter("canceled"),
            finished: try await counter("completed") + counter("failed"),
            requeued: path == .leaseOver ? 0 : try await counter("requeued"),
            handedOut: try await counter("dispatched"))
    }

    /// What the call does to the task, in the words of the document's table.
    fileprivate func outcome(of call: String, _ path: StatePath, _ task: TaskInState) async throws -> String {
        let before = path == .unknown ? nil : try await get(task.id).record
        switch call {
        case "Cancel":
            return try await said(before) { try await cancel(task.id) }
        case "SetPriority":
            let same = try await said(before) { try await setPriority(task.id, .low) }
            let other = try await said(before) { try await setPriority(task.id, .mid) }
            // Where it may be moved nothing moves to where it is; elsewhere the task's own priority is refused too.
            guard same == (other == "moved" ? "OK, as it is" : other) else { return "\(same), \(other)" }
            return other
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
        try await text("ZSCORE", "dms:leases", task.id).map { $0 != "inf" } ?? false
    }

    /// Takes the task off its queue, so that the next one of the test is alone there.
    fileprivate func clear(_ task: TaskInState) async throws {
        _ = try await Harness.refusal { _ = try await cancel(task.id) }
        if try await text("HGET", "dms:stats", "requeued") == "none" {
            try await redis.call("HDEL", "dms:stats", "requeued")
        }
    }
}
