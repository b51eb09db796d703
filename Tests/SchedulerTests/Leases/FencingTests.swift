import DMSModel
import Scheduler
import TestSupport
import Testing

/// Nobody but the holder changes a leased task.
struct FencingTests {
    private func expectLost(_ lease: LeaseReference, _ harness: Harness) async throws {
        #expect(try await harness.ack(lease).map(\.error?.reason) == [.leaseLost])
        #expect(try await harness.renew(lease).map(\.error?.reason) == [.leaseLost])
        #expect(try await Harness.refusal { try await harness.giveBack(lease) } == .leaseLost)
        #expect(try await Harness.refusal { try await harness.finish(lease) } == .leaseLost)
    }

    @Test func `a wrong token, an empty one and an earlier holder's change nothing`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let first = try await harness.leaseOne()
            try await harness.endAllLeases()
            try await eventually { try await harness.get("a").record.status == .queued }
            let second = try await harness.leaseOne()
            let before = try await harness.redis.call("GET", "dms:task:a")
            for token in ["", "x", first.leaseToken] {
                try await expectLost(LeaseReference(taskID: TaskID("a"), token: token), harness)
            }
            #expect(try await harness.redis.call("GET", "dms:task:a") == before)
            #expect(try await harness.renew(second.reference).first?.error == nil)
            try await harness.expectAgreement()
        }
    }

    @Test func `a lease is over when its end has passed, also before the task is back`() async throws {
        // A scheduler whose turn never comes: the end is moved behind its back, and asked about at once.
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            try await harness.endAllLeases()
            try await expectLost(task.reference, harness)
        }
    }

    @Test func `what is unknown is said of each lease by itself`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            let unknown = LeaseReference(taskID: TaskID("nobody"), token: "t")
            let outcomes = try await harness.renew(unknown, task.reference, unknown)
            #expect(outcomes.map(\.error?.reason) == [.taskNotFound, nil, .taskNotFound])
            #expect(outcomes.map(\.taskID.text) == ["nobody", "a", "nobody"])
            #expect(try await harness.ack(unknown, task.reference).map(\.error?.reason) == [.taskNotFound, nil])
            #expect(try await Harness.refusal { try await harness.giveBack(unknown) } == .taskNotFound)
            #expect(try await Harness.refusal { try await harness.finish(unknown) } == .taskNotFound)
        }
    }

    @Test func `the token stays the proof after ack, until the task is finished`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let tasks = try await harness.lease(2)
            let (first, second) = (tasks[0].reference, tasks[1].reference)
            _ = try await harness.ack(first, second)
            let renewed = try await harness.renew(first)
            #expect(renewed == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await harness.statistics().leased == 0)
            #expect(try await harness.giveBack(second).status == .queued)
            #expect(try await harness.finish(first).status == .completed)
            #expect(try await harness.ack(first).map(\.error?.reason) == [nil])
            #expect(try await harness.renew(first).map(\.error?.reason) == [.leaseLost])
            #expect(try await Harness.refusal { try await harness.giveBack(first) } == .leaseLost)
        }
    }

    @Test func `the holder of a canceled task is told, and the task stays canceled`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            _ = try await harness.cancel("a")
            #expect(try await harness.statistics().leased == 0)
            let told = [LeaseOutcome(taskID: TaskID("a"), isCanceled: true)]
            #expect(try await harness.renew(task.reference) == told)
            #expect(try await harness.ack(task.reference) == told)
            #expect(try await Harness.refusal { try await harness.finish(task.reference) } == .taskCanceled)
            #expect(try await harness.giveBack(task.reference).status == .canceled)
            let wrong = LeaseReference(taskID: TaskID("a"), token: "x")
            try await expectLost(wrong, harness)
            #expect(try await harness.get("a").record.status == .canceled)
            #expect(try await harness.statistics().requeued == 0)
            #expect(try await harness.nextIDs(1) == [])
        }
    }
}
