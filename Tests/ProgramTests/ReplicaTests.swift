import DMSClient
import DMSModel
import DMSWire
import NIOCore
import RedisLink
import TestSupport
import Testing

/// Two schedulers on one Redis, of which one is killed.
@Suite(.serialized) struct ReplicaTests {
    /// What a busy machine may add to the time in which a task is back.
    private static let slackMicroseconds: Int64 = 500_000

    /// Runs the body with two schedulers on one Redis; the body ends the first, and the second is ended behind it.
    private func withTwo(
        _ body: (TestRedis, SchedulerProcess, SchedulerProcess) async throws -> Void
    ) async throws {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let arguments = ["--redis-writer-url", "\(redis.url)"]
                let first = try await SchedulerProcess.start(arguments, folder: folder)
                let second = try await SchedulerProcess.start(arguments, folder: folder)
                try await body(redis, first, second)
                let code = try await second.terminate()
                #expect(code == 0)
            }
        }
    }

    private func submit(_ id: String, to client: DMSClient) async throws {
        _ = try await client.tasks.enqueue(
            TaskSubmission(taskID: TaskID(id), service: "copy", userID: "ada", parameters: ByteBuffer(string: "{}")))
    }

    @Test func `leases that a killed scheduler gave are put back by the other within 250 ms of their end`() async throws
    {
        try await withTwo { _, first, second in
            let (client, other) = (first.client(), second.client())
            for number in 0..<50 { try await submit("t\(number)", to: client) }
            let held = try await client.submitter.next(
                NextRequest(maxTasks: 50, leaseMilliseconds: 2000), isReplayable: false
            ).leasedTasks
            let ids = held.map(\.record.taskID)
            #expect(ids.count == 50)
            try await first.crash()
            await client.close()
            let ends = held.compactMap { $0.leaseExpiresAt?.microseconds }
            let end = try #require(ends.max())
            try await eventually { try await other.tasks.stats().requeued == 50 }
            for id in ids {
                let record = try await other.tasks.get(id).record
                #expect(record.status == .queued)
                // Both clocks are this machine's.
                let late = record.updatedAt.microseconds - end
                #expect((-50...250_000 + ReplicaTests.slackMicroseconds).contains(late))
            }
            let again = try await other.submitter.next(NextRequest(maxTasks: 50)).leasedTasks
            #expect(again.map(\.record.taskID) == ids)
            #expect(again.allSatisfy { $0.record.attempt == 2 })
            await other.close()
        }
    }

    @Test func `a call that waits at the other scheduler gets the task when the lease has ended`() async throws {
        try await withTwo { _, first, second in
            let (client, other) = (first.client(), second.client())
            try await submit("t", to: client)
            let held = try await client.submitter.next(NextRequest(leaseMilliseconds: 5000)).leasedTasks
            #expect(held.count == 1)
            async let answer = other.submitter.next(NextRequest(waitMilliseconds: 60_000, leaseMilliseconds: 60_000))
            try await eventually { try await other.tasks.stats().waitingSubmitters == 1 }
            try await first.crash()
            await client.close()
            let task = try #require(try await answer.leasedTasks.first)
            #expect(task.record.attempt == 2)
            #expect(task.leaseToken != held.first?.leaseToken)
            // The first holder's proof is none any more.
            let late = LeaseReference(taskID: TaskID("t"), token: held.first?.leaseToken ?? "")
            let outcomes = try await other.submitter.renew([late])
            #expect(outcomes.map(\.error?.reason) == [.leaseLost])
            await other.close()
        }
    }

    @Test func `an answer that was lost with its scheduler is asked for at the other`() async throws {
        try await withTwo { redis, first, second in
            let (client, other) = (first.client(), second.client())
            for id in ["a", "b"] { try await submit(id, to: client) }
            let request = NextRequest(leaseMilliseconds: 60_000, submitterID: "w", requestID: "r")
            let lost = try await client.submitter.next(request)
            try await first.crash()
            await client.close()
            let again = try await other.submitter.next(request)
            #expect(again == lost)
            let dispatched = try await redis.call("HGET", "dms:stats", "dispatched")
            #expect(dispatched.string == "1")
            await other.close()
        }
    }
}
