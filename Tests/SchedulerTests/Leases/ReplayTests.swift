import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// `Next` with a `request_id`, and answers that could not be delivered.
struct ReplayTests {
    @Test func `a repeated request gets the same answer and takes nothing new`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id, parameters: #"{"x":[1e400]}"#) }
            let first = try await harness.lease(2, milliseconds: 30_000, request: "r1")
            #expect(first.map(\.id) == ["a", "b"])
            #expect(try await harness.lease(2, milliseconds: 30_000, request: "r1") == first)
            // Also when its tasks went on meanwhile.
            _ = try await harness.finish(first[0].reference, result: "1")
            #expect(try await harness.lease(2, milliseconds: 30_000, request: "r1") == first)
            #expect(try await harness.statistics().dispatched == 2)
            #expect(try await harness.lease(2, request: "r2").map(\.id) == ["c"])
        }
    }

    @Test func `the name of a request is its submitter's, and both names count byte for byte`() async throws {
        try await Harness.with { harness in
            for number in 0..<4 { try await harness.enqueue("t\(number)") }
            #expect(try await harness.lease(submitter: "a", request: "b:c").map(\.id) == ["t0"])
            #expect(try await harness.lease(submitter: "a:b", request: "c").map(\.id) == ["t1"])
            #expect(try await harness.lease(submitter: "", request: "c").map(\.id) == ["t2"])
            #expect(try await harness.lease(submitter: "a", request: "b:c").map(\.id) == ["t0"])
        }
    }

    @Test func `an empty answer is not kept`() async throws {
        try await Harness.with { harness in
            #expect(try await harness.lease(request: "r").isEmpty)
            try await harness.enqueue("a")
            #expect(try await harness.lease(request: "r").map(\.id) == ["a"])
        }
    }

    @Test func `an answer is kept for ten minutes`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            _ = try await harness.lease(request: "r")
            let key = try #require(try await harness.redis.lines("KEYS", "dms:answer:*").first)
            let left = try #require(try await harness.redis.call("PTTL", key).integer)
            #expect((590_000...600_000).contains(left))
        }
    }

    @Test func `of two calls at once with one name both get the one answer`() async throws {
        try await Harness.with { harness in
            for number in 0..<10 { try await harness.enqueue("t\(number)") }
            let answers = try await withThrowingTaskGroup(of: [LeasedTask].self) { tasks in
                for _ in 0..<8 { tasks.addTask { try await harness.lease(3, request: "r") } }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map { $0.map(\.id) }) == [["t0", "t1", "t2"]])
            #expect(Set(answers.flatMap { $0.map(\.leaseToken) }).count == 3)
            #expect(try await harness.statistics().dispatched == 3)
        }
    }

    /// Takes tasks and says that they could not be delivered.
    private func loseAnswer(_ request: NextRequest, _ harness: Harness) async throws {
        _ = try await harness.pool.call { service in
            let call = service.next(request, caller: Caller())
            return call.answer.assumeIsolated().map { _ in call.abandon() }.nonisolated()
        }
    }

    @Test(arguments: [0, 60_000]) func `what can't be delivered goes back as if it had never been taken`(
        lease: Int
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let request = NextRequest(
                maxTasks: 2, leaseMilliseconds: UInt32(lease), submitterID: "w", requestID: "r")
            try await loseAnswer(request, harness)
            try await eventually { try await harness.statistics().overview.total == 3 }
            let statistics = try await harness.statistics()
            #expect(statistics.dispatched == 0)
            #expect(statistics.requeued == 0)
            #expect(statistics.leased == 0)
            let record = try await harness.get("a").record
            #expect(record.attempt == 0)
            #expect(record.submitterID == "")
            try await harness.expectAgreement()
            // The answer went back too: the same request takes anew.
            let again = try await harness.next(request)
            #expect(again.leasedTasks.map(\.id) == ["a", "b"])
            #expect(again.leasedTasks.map(\.record.attempt) == [1, 1])
            #expect(try await harness.nextIDs() == ["c"])
        }
    }

    @Test func `an answer that somebody asked for again is not put back`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = NextRequest(leaseMilliseconds: 60_000, submitterID: "w", requestID: "r")
            let tasks = try await harness.pool.call { service in
                let call = service.next(request, caller: Caller())
                return call.answer.assumeIsolated().flatMap { _ in service.next(request, caller: Caller()).answer }
                    .map { answer in
                        call.abandon()
                        return answer.leasedTasks
                    }.nonisolated()
            }
            let task = try #require(tasks.first)
            for _ in 0..<20 { #expect(try await harness.renew(task.reference).first?.error == nil) }
            #expect(try await harness.statistics().dispatched == 1)
        }
    }

    @Test func `what was canceled before it could be put back stays canceled`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            _ = try await harness.pool.call { service in
                let call = service.next(NextRequest(maxTasks: 2, leaseMilliseconds: 60_000), caller: Caller())
                let cancellation = TaskCancellation(taskID: TaskID("a"), service: "copy", userID: "ada")
                return call.answer.assumeIsolated().flatMap { _ in service.cancel(cancellation, caller: Caller()) }
                    .map { _ in call.abandon() }.nonisolated()
            }
            try await eventually { try await harness.statistics().overview.total == 1 }
            #expect(try await harness.get("a").record.status == .canceled)
            #expect(try await harness.statistics().dispatched == 1)
            #expect(try await harness.nextIDs(2) == ["b"])
        }
    }

    @Test func `a call that is given up while it waits takes no task`() async throws {
        try await Harness.with { harness in
            let refusal = try await Harness.refusal {
                _ = try await harness.pool.call { service in
                    let call = service.next(NextRequest(waitMilliseconds: 60_000), caller: Caller())
                    service.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) { call.abandon() }
                    return call.answer
                }
            }
            #expect(refusal == .cancelled)
            #expect(try await harness.statistics().waitingSubmitters == 0)
            try await harness.enqueue("a")
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await harness.get("a").record.attempt == 1)
        }
    }
}
