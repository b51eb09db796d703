import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// What `DMS_MAX_QUEUED` refuses, and what it lets pass.
@Suite struct QueuedLimitTests {
    private func with(queuedMax: Int, _ body: (Harness) async throws -> Void) async throws {
        try await Harness.with(configure: { $0.queuedMax = queuedMax }, body)
    }

    private func refusal(
        _ harness: Harness, _ id: String, _ priority: Priority = .low
    ) async throws -> SchedulerError.Reason? {
        try await Harness.refusal { try await harness.enqueue(id, priority) }
    }

    @Test func `as many as may be are queued, over all priorities, and one more is refused and leaves nothing`()
        async throws
    {
        try await with(queuedMax: 3) { harness in
            for (id, priority) in [("a", Priority.low), ("b", .mid), ("c", .high)] {
                try await harness.enqueue(id, priority)
            }
            let before = try await harness.contents()
            for priority in Priority.allCases {
                #expect(try await refusal(harness, "d", priority) == .limitQueued)
            }
            #expect(try await harness.contents() == before)
            #expect(try await harness.statistics().queued == 3)
        }
    }

    @Test func `the refusal says when to try again`() async throws {
        try await with(queuedMax: 1) { harness in
            try await harness.enqueue("a")
            do {
                try await harness.enqueue("b")
                Issue.record("it was taken")
            } catch let error as SchedulerError {
                #expect(error.reason == .limitQueued)
                #expect(error.retryAfter == .seconds(1))
            }
        }
    }

    @Test func `a task that is fetched, and one that is canceled, makes room for one`() async throws {
        try await with(queuedMax: 2) { harness in
            try await harness.enqueue("a")
            try await harness.enqueue("b")
            #expect(try await harness.nextIDs() == ["a"])
            try await harness.enqueue("c")
            #expect(try await refusal(harness, "d") == .limitQueued)
            _ = try await harness.cancel("b")
            try await harness.enqueue("d")
            #expect(try await refusal(harness, "e") == .limitQueued)
            #expect(try await harness.nextIDs(9) == ["c", "d"])
        }
    }

    @Test func `marks of tasks that were canceled in the middle of a queue are not counted`() async throws {
        try await with(queuedMax: 401) { harness in
            for number in 0..<401 { try await harness.enqueue("t\(number)") }
            #expect(try await refusal(harness, "one more") == .limitQueued)
            for number in 200..<203 { _ = try await harness.cancel("t\(number)") }
            #expect(try await harness.redis.call("ZCARD", "dms:marks:low").integer == 3)
            for number in 0..<3 { try await harness.enqueue("again\(number)") }
            #expect(try await refusal(harness, "one more") == .limitQueued)
        }
    }

    @Test func `a block, a token and an id that exists come before it`() async throws {
        try await with(queuedMax: 1) { harness in
            try await harness.enqueue("a")
            #expect(
                try await Harness.refusal { try await harness.enqueue("b", .high, caller: Caller()) } == .tokenRequired)
            // Who repeats a submission after a lost answer is told that it was taken.
            #expect(try await refusal(harness, "a") == .taskExists)
            _ = try await harness.pool.call { $0.block(true, reason: nil, caller: Harness.asOperator) }
            #expect(try await refusal(harness, "b") == .submissionsBlocked)
        }
    }

    @Test func `what was handed out goes back whatever is queued, and then counts`() async throws {
        try await with(queuedMax: 1) { harness in
            try await harness.enqueue("a")
            let answer = try await harness.next(NextRequest(leaseMilliseconds: 60_000))
            try await harness.enqueue("b")
            let lease = try #require(answer.leasedTasks.first)
            let back = LeaseReference(taskID: lease.record.taskID, token: lease.leaseToken)
            _ = try await harness.pool.call { $0.return(TaskReturn(lease: back, reason: ""), caller: Caller()) }
            #expect(try await harness.statistics().overview.total == 2)
            #expect(try await refusal(harness, "c") == .limitQueued)
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await refusal(harness, "c") == .limitQueued)
            #expect(try await harness.nextIDs() == ["b"])
            try await harness.enqueue("c")
        }
    }

    @Test(arguments: [1, 7, 128, 129])
    func `of many submissions at once on several loops just as many are taken as may be`(_ queuedMax: Int) async throws
    {
        try await with(queuedMax: queuedMax) { harness in
            let submitted = 300
            let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<submitted {
                    group.addTask {
                        let priority = Priority.allCases[number % 3]
                        let refusal = try await Harness.refusal { try await harness.enqueue("t\(number)", priority) }
                        guard refusal == nil || refusal == .limitQueued else {
                            throw TestFailure("another refusal: \(String(describing: refusal))")
                        }
                        return refusal == nil
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(taken == queuedMax)
            #expect(try await harness.statistics().overview.total == UInt64(queuedMax))
            #expect(try await harness.statistics().queued == UInt64(queuedMax))
        }
    }

    @Test func `of a batch the first are taken, and an id that is refused for its number may come again`() async throws
    {
        try await with(queuedMax: 2) { harness in
            let refusals = try await withThrowingTaskGroup(of: SchedulerError.Reason?.self) { group in
                for number in 0..<4 {
                    group.addTask { try await Harness.refusal { try await harness.enqueue("t\(number / 2)") } }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(refusals.filter { $0 == .taskExists }.count == 2)
            #expect(refusals.filter { $0 == nil }.count == 2)
            #expect(try await refusal(harness, "t2") == .limitQueued)
            _ = try await harness.next()
            try await harness.enqueue("t2")
        }
    }

    @Test func `a key of marks of the wrong type fails the call before anything is written`() async throws {
        try await with(queuedMax: 2) { harness in
            try await harness.breaking("dms:marks:mid") {
                let before = try await harness.contents()
                #expect(try await refusal(harness, "a") != nil)
                #expect(try await harness.contents() == before)
            }
            try await harness.enqueue("a")
        }
    }

    @Test func `without a limit the marks are not looked at`() async throws {
        try await with(queuedMax: 0) { harness in
            try await harness.breaking("dms:marks:mid") { try await harness.enqueue("a") }
        }
    }
}
