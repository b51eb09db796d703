import DMSModel
import Foundation
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// `Next` with a lease, and what its holder may do with it.
struct LeaseTests {
    /// Late is later than this: the machine may be busy.
    private static let slackMicroseconds: Int64 = 500_000

    @Test func `a leased task comes with a token and the end of its lease`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne(milliseconds: 30_000)
            #expect(task.leaseToken.wholeMatch(of: /[A-P][A-Za-z0-9_-]{21}-1/) != nil)
            let end = try #require(task.leaseExpiresAt)
            #expect((29_000_000...30_100_000).contains(end.microseconds - task.record.updatedAt.microseconds))
            #expect(task.record.status == .dispatched)
            #expect(task.record.attempt == 1)
            #expect(task.record.submitterID == "w")
            let statistics = try await harness.statistics()
            #expect(statistics.leased == 1)
            #expect(statistics.dispatched == 1)
            try await harness.expectAgreement()
        }
    }

    @Test func `a task without a lease has neither token nor end, and stays dispatched`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try #require(try await harness.next(NextRequest()).leasedTasks.first)
            #expect(task.leaseToken == "")
            #expect(task.leaseExpiresAt == nil)
            #expect(try await harness.statistics().leased == 0)
        }
    }

    @Test func `a lease that ends puts the task back at the head of its queue within 250 ms`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let task = try await harness.leaseOne(milliseconds: 1000)
            let end = try #require(task.leaseExpiresAt)
            try await eventually { try await harness.get("a").record.status == .queued }
            // The record's time is the clock's when it was put back; both clocks are this machine's.
            let back = try await harness.get("a").record
            let late = back.updatedAt.microseconds - end.microseconds
            #expect((0...250_000 + LeaseTests.slackMicroseconds).contains(late))
            #expect(back.attempt == 1)
            let statistics = try await harness.statistics()
            #expect(statistics.requeued == 1)
            #expect(statistics.queued == 3)
            #expect(statistics.leased == 0)
            let again = try await harness.lease(3)
            #expect(again.map(\.id) == ["a", "b", "c"])
            #expect(again.first?.record.attempt == 2)
            #expect(again.first?.leaseToken != task.leaseToken)
            try await harness.expectAgreement()
        }
    }

    @Test func `tasks whose leases end together keep their order`() async throws {
        try await Harness.with { harness in
            for number in 0..<30 { try await harness.enqueue("t\(number)", number.isMultiple(of: 3) ? .high : .low) }
            let taken = try await harness.lease(20)
            let more = try await harness.lease(7)
            try await harness.endAllLeases()
            try await eventually { try await harness.statistics().overview.total == 30 }
            let order = try await harness.lease(30)
            let first = (taken + more).map(\.id)
            #expect(Array(order.map(\.id).prefix(27)) == first)
            #expect(order.dropFirst(27).allSatisfy { $0.record.attempt == 1 })
        }
    }

    @Test func `a thousand tasks whose leases end together keep their order`() async throws {
        try await Harness.with { harness in
            for number in 0..<1000 { try await harness.enqueue("t\(number)") }
            let taken = try await harness.lease(1000, milliseconds: 1000)
            #expect(taken.count == 1000)
            try await eventually { try await harness.statistics().overview.total == 1000 }
            #expect(try await harness.lease(1000).map(\.id) == taken.map(\.id))
            try await harness.expectAgreement()
        }
    }

    @Test func `ack makes the task the holder's for good`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            let outcome = try #require(try await harness.ack(task.reference).first)
            #expect(outcome == LeaseOutcome(taskID: TaskID("a")))
            #expect(try await harness.statistics().leased == 0)
            // Its entry has no end, and goes when the task ends.
            #expect(try await harness.text("ZSCORE", "dms:leases", "a") == "inf")
            #expect(try await harness.ack(task.reference) == [outcome])
            #expect(try await harness.get("a").record.status == .dispatched)
            try await harness.finish(task.reference)
            #expect(try await harness.redis.call("EXISTS", "dms:leases").integer == 0)
        }
    }

    @Test func `renew sets a new end from now, as long as the lease was unless it says otherwise`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne(milliseconds: 10_000)
            func renew(_ milliseconds: UInt32) async throws -> Int64 {
                let outcome = try #require(try await harness.renew(task.reference, milliseconds: milliseconds).first)
                guard outcome.error == nil, let end = outcome.leaseExpiresAt else { throw TestFailure("\(outcome)") }
                return end.microseconds - harness.now.microseconds
            }
            #expect((9_000_000...10_000_500).contains(try await renew(0)))
            #expect((59_000_000...60_000_500).contains(try await renew(60_000)))
            #expect((59_000_000...60_000_500).contains(try await renew(0)))
            #expect(try await harness.statistics().leased == 1)
        }
    }

    @Test func `return puts the task back at the head at once`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let task = try await harness.leaseOne()
            let record = try await harness.giveBack(task.reference)
            #expect(record.status == .queued)
            #expect(record.attempt == 1)
            // The same call again gets the same answer.
            #expect(try await harness.giveBack(task.reference) == record)
            #expect(try await harness.statistics().requeued == 1)
            try await harness.expectAgreement()
            #expect(try await harness.lease(2).map(\.id) == ["a", "b"])
            #expect(try await harness.giveBack(task.reference).status == .dispatched)
            #expect(try await harness.statistics().requeued == 1)
        }
    }

    @Test func `finish makes the task completed with its result, byte for byte`() async throws {
        try await Harness.with { harness in
            let result = #"{"n":12345678901234567890123, "e":[],"s":"\u00e9\"\\"}"#
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            let record = try await harness.finish(task.reference, result: result)
            #expect(record.status == .completed)
            #expect(record.result == ByteBuffer(string: result))
            #expect(try await harness.get("a").record == record)
            #expect(try await harness.finish(task.reference, result: result) == record)
            let statistics = try await harness.statistics()
            #expect(statistics.completed == 1)
            #expect(statistics.leased == 0)
            let other = try await Harness.refusal { try await harness.finish(task.reference, result: "1") }
            #expect(other == .leaseLost)
            #expect(try await Harness.refusal { try await harness.finish(task.reference, error: "x") } == .leaseLost)
            #expect(try await harness.get("a").record == record)
        }
    }

    @Test func `a result may hold copies of a record's own fields`() async throws {
        try await Harness.with { harness in
            let tail =
                #","priority":"high","status":"queued","enqueued_at":"2025-01-01T00:00:00.000000Z","updated_at":"x""#
            try await harness.enqueue("a", .mid)
            let task = try await harness.leaseOne()
            let result = "{\"a\":1\(tail)}"
            _ = try await harness.finish(task.reference, result: result)
            let record = try await harness.get("a").record
            #expect(record.priority == .mid)
            #expect(record.status == .completed)
            #expect(record.result == ByteBuffer(string: result))
            let cancel = try await Harness.refusal { _ = try await harness.cancel("a") }
            #expect(cancel == .taskFinished)
        }
    }

    @Test func `finish without success makes the task failed with its error`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            let record = try await harness.finish(task.reference, error: "disk \"full\" ,\"result\":\"")
            #expect(record.status == .failed)
            #expect(record.error == "disk \"full\" ,\"result\":\"")
            #expect(try await harness.finish(task.reference, error: "disk \"full\" ,\"result\":\"") == record)
            #expect(try await harness.statistics().failed == 1)
        }
    }

    @Test func `a failure may have a result beside its error, and a repetition must have both`() async throws {
        try await Harness.with { harness in
            let (result, error) = (#"{"moved":3,",\"error\":\"":["x"]}"#, #"disk "full" ,"result":""#)
            for (id, result, error) in [("a", result, error), ("b", "", error), ("c", result, "x")] {
                try await harness.enqueue(id)
                let task = try await harness.leaseOne()
                let record = try await harness.finish(task.reference, result: result, error: error)
                #expect(record.status == .failed)
                #expect(record.result.map { String(buffer: $0) } == (result.isEmpty ? nil : result))
                #expect(record.error == error)
                #expect(try await harness.get(id).record == record)
                #expect(try await harness.finish(task.reference, result: result, error: error) == record)
                for (otherResult, otherError) in [(result, error + " "), ("2", error), ("1", "y")] {
                    #expect(
                        try await Harness.refusal {
                            try await harness.finish(task.reference, result: otherResult, error: otherError)
                        } == .leaseLost)
                }
                #expect(try await harness.get(id).record == record)
            }
            // A result alone, without a word of error.
            try await harness.enqueue("d")
            let task = try await harness.leaseOne()
            let record = try await harness.finish(task.reference, result: result, error: "")
            #expect((record.status, record.error) == (.failed, nil))
            #expect(record.result.map { String(buffer: $0) } == result)
            #expect(try await harness.finish(task.reference, result: result, error: "") == record)
            #expect(
                try await Harness.refusal { try await harness.finish(task.reference, result: result) } == .leaseLost)
            try await harness.expectAgreement()
        }
    }

    @Test func `a task without a lease is finished once, with an empty token`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let empty = LeaseReference(taskID: TaskID("a"), token: "")
            #expect(try await Harness.refusal { try await harness.finish(empty) } == .leaseLost)
            _ = try await harness.next()
            let guess = LeaseReference(taskID: TaskID("a"), token: "guess")
            #expect(try await Harness.refusal { try await harness.finish(guess) } == .leaseLost)
            let record = try await harness.finish(empty, result: "[1]")
            #expect(record.status == .completed)
            #expect(try await harness.finish(empty, result: "[1]") == record)
            #expect(try await Harness.refusal { try await harness.finish(empty, error: "no") } == .leaseLost)
        }
    }

    @Test func `a task that the Python service handed out can be finished`() async throws {
        try await Harness.with { redis in
            let record =
                #"{"task_id":"p","service":"copy","user_id":"ada","parameters":{},"priority":"low","status":"dispatched","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:13.5"}"#
            try await redis.call("SET", "dms:task:p", record)
            try await redis.call("SADD", "dms:task:index", "p")
        } _: { harness in
            let finished = try await harness.finish(LeaseReference(taskID: TaskID("p"), token: ""), result: "{}")
            #expect(finished.status == .completed)
            #expect(finished.attempt == 1)
        }
    }
}

extension Harness {
    var now: Timestamp {
        let time = Date.now
        return Timestamp(microseconds: Int64(time.timeIntervalSince1970 * 1_000_000))
    }
}
