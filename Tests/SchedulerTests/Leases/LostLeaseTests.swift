import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Tasks whose entry among the leases is gone, and how they are told from those that were acknowledged.
@Suite(.timeLimit(.minutes(2))) struct LostLeaseTests {
    private static let oldToken = "ABCDEFGHIJKLMNOPQRSTUV"

    private func entry(_ harness: Harness, _ id: String = "a") async throws -> String? {
        try await harness.text("ZSCORE", "dms:leases", id)
    }

    @Test func `a renewal enters a lost lease again, so that its end puts the task back`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.leaseOne()
            try await harness.redis.call("DEL", "dms:leases")
            #expect(try await harness.statistics().leased == 0)
            let outcome = try #require(try await harness.renew(held.reference).first)
            #expect(outcome.error == nil)
            let end = try #require(outcome.leaseExpiresAt)
            #expect((55_000_000...60_100_000).contains(end.microseconds - harness.now.microseconds))
            #expect(try await harness.statistics().leased == 1)
            try await harness.endAllLeases()
            try await eventually { try await harness.get("a").record.status == .queued }
            #expect(try await harness.renew(held.reference).first?.error?.reason == .leaseLost)
        }
    }

    @Test func `an ack enters a lost lease without an end`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.leaseOne()
            try await harness.redis.call("DEL", "dms:leases")
            #expect(try await harness.ack(held.reference) == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await entry(harness) == "inf")
            #expect(try await harness.renew(held.reference) == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await entry(harness) == "inf")
        }
    }

    @Test func `whatever ends an acknowledged task takes its entry along`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            let held = try await harness.lease(4)
            for task in held { _ = try await harness.ack(task.reference) }
            #expect(try await harness.redis.call("ZCARD", "dms:leases").integer == 4)
            #expect(try await harness.statistics().leased == 0)
            try await harness.finish(held[0].reference)
            try await harness.finish(held[1].reference, error: "no")
            _ = try await harness.cancel("c")
            try await harness.giveBack(held[3].reference)
            #expect(try await harness.redis.call("EXISTS", "dms:leases").integer == 0)
            // And an ack of what is over enters nothing.
            for task in held { _ = try await harness.ack(task.reference) }
            #expect(try await harness.redis.call("EXISTS", "dms:leases").integer == 0)
            try await harness.expectAgreement()
        }
    }

    @Test func `leases end beside acknowledged tasks, which do not`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let held = try await harness.lease(3)
            _ = try await harness.ack(held[1].reference)
            #expect(try await harness.statistics().leased == 2)
            try await harness.endAllLeases()
            try await eventually { try await harness.statistics().requeued == 2 }
            #expect(try await harness.get("b").record.status == .dispatched)
            #expect(try await harness.nextIDs(3) == ["a", "c"])
        }
    }

    @Test func `an ack is done while Redis's memory is full`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.lease(request: "r")
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "1")
            #expect(try await harness.ack(held[0].reference) == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await entry(harness) == "inf")
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "0")
        }
    }

    @Test func `what an earlier version acknowledged is not begun anew by a renewal`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.leaseOne()
            let record = try #require(try await harness.text("GET", "dms:task:a"))
            try await harness.redis.call(
                "SET", "dms:task:a", record.replacing(held.leaseToken, with: LostLeaseTests.oldToken))
            // It took the entry out.
            try await harness.redis.call("DEL", "dms:leases")
            let old = held.with(token: LostLeaseTests.oldToken)
            #expect(try await harness.renew(old, milliseconds: 5000) == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await entry(harness) == nil)
            #expect(try await harness.ack(old) == [LeaseOutcome(taskID: TaskID("a"))])
            #expect(try await entry(harness) == "inf")
            #expect(try await harness.finish(old).status == .completed)
        }
    }

    @Test func `a lease that an earlier version gave is renewed and ends as ever`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.leaseOne()
            let record = try #require(try await harness.text("GET", "dms:task:a"))
            try await harness.redis.call(
                "SET", "dms:task:a", record.replacing(held.leaseToken, with: LostLeaseTests.oldToken))
            let old = held.with(token: LostLeaseTests.oldToken)
            #expect(try await harness.renew(old, milliseconds: 5000).first?.leaseExpiresAt != nil)
            try await harness.endAllLeases()
            try await eventually { try await harness.get("a").record.status == .queued }
            #expect(try await harness.ack(old).first?.error?.reason == .leaseLost)
        }
    }

    @Test(arguments: ["", "r"]) func `each task of a call has a token of its own, good for that task only`(
        request: String
    ) async throws {
        try await Harness.with { harness in
            for number in 0..<20 { try await harness.enqueue("t\(number)") }
            let held = try await harness.lease(20, request: request)
            #expect(Set(held.map(\.leaseToken)).count == 20)
            // What is the same in two tokens tells nothing of the third.
            let secrets = held.map { $0.leaseToken.prefix(32) }
            #expect(Set(secrets).count == 20)
            #expect(secrets.allSatisfy { $0.allSatisfy(\.isHexDigit) })
            for (task, other) in zip(held, held.dropFirst() + held.prefix(1)) {
                let wrong = task.with(token: other.leaseToken)
                #expect(try await harness.ack(wrong).first?.error?.reason == .leaseLost)
                #expect(try await harness.renew(wrong).first?.error?.reason == .leaseLost)
                #expect(try await Harness.refusal { try await harness.giveBack(wrong) } == .leaseLost)
                #expect(try await Harness.refusal { try await harness.finish(wrong) } == .leaseLost)
            }
            for task in held.prefix(10) { try await harness.giveBack(task.reference) }
            for task in held.suffix(10) { #expect(try await harness.finish(task.reference).status == .completed) }
            // Taken again, they have others.
            let again = try await harness.lease(20)
            #expect(again.map(\.id) == held.prefix(10).map(\.id))
            #expect(Set(again.map(\.leaseToken)).isDisjoint(with: held.map(\.leaseToken)))
        }
    }
}

extension LeasedTask {
    fileprivate func with(token: String) -> LeaseReference { LeaseReference(taskID: record.taskID, token: token) }
}
