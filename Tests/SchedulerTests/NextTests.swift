import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite struct NextTests {
    @Test func `all high come before all mid before all low, first in first out inside each`() async throws {
        try await Harness.with { harness in
            for (id, priority) in [
                ("l1", Priority.low), ("m1", .mid), ("h1", .high), ("l2", .low), ("h2", .high), ("m2", .mid),
            ] {
                try await harness.enqueue(id, priority)
            }
            #expect(try await harness.nextIDs() == ["h1"])
            try await harness.enqueue("h3", .high)
            #expect(try await harness.nextIDs(4) == ["h2", "h3", "m1", "m2"])
            #expect(try await harness.nextIDs(1000) == ["l1", "l2"])
            #expect(try await harness.nextIDs(1000) == [])
        }
    }

    @Test func `a task is dispatched once, counted once, and its record says so`() async throws {
        try await Harness.with { harness in
            let parameters =
                #"{"n":1.0,"copy":{"a":1,"priority":"high","status":"queued","enqueued_at":"x","updated_at":"y"}}"#
            let queued = try await harness.enqueue("a", .mid, parameters: parameters)
            let task = try #require(try await harness.next(5, submitter: "node \"1\"").first)
            #expect(task.status == .dispatched)
            #expect(task.attempt == 1)
            #expect(task.submitterID == "node \"1\"")
            #expect(String(buffer: task.parameters) == parameters)
            #expect(task.enqueuedAt == queued.enqueuedAt)
            #expect(task.updatedAt >= queued.updatedAt)
            let summary = try await harness.get("a")
            #expect(summary.record == task)
            #expect(summary.queuePosition == nil)
            #expect(
                try await harness.text("GET", "dms:task:a")
                    == #"{"task_id":"a","service":"copy","user_id":"ada","parameters":\#(parameters),"priority":"mid","#
                    + #""status":"dispatched","enqueued_at":"\#(task.enqueuedAt)","updated_at":"\#(task.updatedAt)","#
                    + #""attempt":1,"submitter_id":"node \"1\""}"#)
            let statistics = try await harness.statistics()
            #expect(statistics.dispatched == 1)
            #expect(statistics.lastUpdated == task.updatedAt)
            #expect(try await harness.list("KEYS", "dms:[qp]*:*").isEmpty)
        }
    }

    @Test func `an id that no queued task stands behind is skipped and never ends a Next early`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            _ = try await harness.redis.call(["DEL", "dms:task:a"])
            _ = try await harness.redis.call(["SET", "dms:task:b", "not a record"])
            let record = try #require(try await harness.text("GET", "dms:task:c"))
            _ = try await harness.redis.call(["SET", "dms:task:c", record.replacing("queued\"", with: "canceled\"")])
            _ = try await harness.redis.call(["LPUSH", "dms:queue:high", "ghost", "d", "d"])
            #expect(try await harness.nextIDs(10) == ["d"])
            #expect(try await harness.statistics().overview.total == 0)
            #expect(try await harness.statistics().dispatched == 1)
            #expect(try await harness.text("GET", "dms:task:b") == "not a record")
        }
    }

    @Test func `more dead ids than one script call looks at do not hide the task behind them`() async throws {
        try await Harness.with { harness in
            for start in stride(from: 0, to: 25_000, by: 5000) {
                _ = try await harness.redis.call(
                    ["RPUSH", "dms:queue:high"] + (start..<start + 5000).map { "ghost\($0)" })
            }
            try await harness.enqueue("a")
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await harness.statistics().overview.total == 0)
        }
    }

    @Test func `an answer is held to the size of a frame, and what did not fit comes next`() async throws {
        try await Harness.with { harness in
            let text = #"{"x":""# + String(repeating: "y", count: 1_000_000) + #""}"#
            for number in 0..<10 { try await harness.enqueue("t\(number)", parameters: text) }
            var sizes: [Int] = []
            var ids: [String] = []
            while ids.count < 10 {
                let tasks = try await harness.nextIDs(10)
                try #require(!tasks.isEmpty)
                sizes.append(tasks.count)
                ids += tasks
            }
            #expect(sizes == [3, 3, 3, 1])
            #expect(ids == (0..<10).map { "t\($0)" })
        }
    }

    @Test func `callers at once get different tasks, and everything is handed out`() async throws {
        try await Harness.with { harness in
            for number in 0..<300 { try await harness.enqueue("t\(number)") }
            let ids = try await withThrowingTaskGroup(of: [String].self) { group in
                for count in 1...40 { group.addTask { try await harness.nextIDs(UInt32(count % 10 + 1)) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(ids.count == 220)
            #expect(Set(ids) == Set((0..<220).map { "t\($0)" }))
            #expect(try await harness.nextIDs(1000) == (220..<300).map { "t\($0)" })
        }
    }

    @Test func `what is out of range or not there yet is refused and takes nothing`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let refusal = { (request: NextRequest) in
                try await Harness.refusal {
                    _ = try await harness.next(request)
                }
            }
            #expect(try await refusal(NextRequest(maxTasks: 1001)) == .invalidField)
            #expect(try await refusal(NextRequest(waitMilliseconds: 600_001)) == .invalidField)
            #expect(try await refusal(NextRequest(leaseMilliseconds: 999)) == .invalidField)
            #expect(try await refusal(NextRequest(submitterID: "a\0")) == .invalidField)
            #expect(try await refusal(NextRequest(leaseMilliseconds: 999)) == .invalidField)
            #expect(try await refusal(NextRequest(leaseMilliseconds: 86_400_001)) == .invalidField)
            let ack = LeaseReference(taskID: TaskID(""), token: "t")
            #expect(try await refusal(NextRequest(acks: [ack])) == .invalidField)
            let many = Array(repeating: LeaseReference(taskID: TaskID("a"), token: "t"), count: 1001)
            #expect(try await refusal(NextRequest(acks: many)) == .invalidField)
            #expect(try await refusal(NextRequest(maxTasks: 0)) == nil)
            #expect(try await harness.get("a").record.status == .dispatched)
        }
    }

    @Test func `a configured submitter token is needed, and the operator token opens too`() async throws {
        try await Harness.with(configure: { $0.tokens.submitters = ["carrier"] }) { (harness: Harness) async throws in
            func refusal(_ caller: Caller) async throws -> SchedulerError.Reason? {
                try await Harness.refusal {
                    _ = try await harness.next(NextRequest(), caller: caller)
                }
            }
            #expect(try await refusal(Caller()) == .tokenRequired)
            #expect(try await refusal(Caller(submitterToken: "carrie")) == .tokenInvalid)
            #expect(try await refusal(Caller(operatorToken: "wrong")) == .tokenRequired)
            #expect(try await refusal(Caller(submitterToken: "carrier")) == nil)
            #expect(try await refusal(Harness.asOperator) == nil)
        }
    }

    @Test func `hand-out and cancel go on when Redis has no memory left, and submissions are refused`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            _ = try await harness.redis.call(["CONFIG", "SET", "maxmemory", "1"])
            #expect(try await Harness.refusal { try await harness.enqueue("c") } == .storeFull)
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await harness.cancel("b").status == .canceled)
            _ = try await harness.redis.call(["CONFIG", "SET", "maxmemory", "0"])
            #expect(try await harness.list("SMEMBERS", "dms:task:index").count == 2)
            #expect(try await harness.statistics().queued == 2)
        }
    }
}
