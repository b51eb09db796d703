import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite struct CancelTests {
    @Test func `a queued task leaves its queue, is canceled, and is counted once however often it is asked`()
        async throws
    {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let first = try await harness.cancel("b")
            #expect(first.status == .canceled)
            #expect(try await harness.cancel("b") == first)
            #expect(try await harness.get("b").record == first)
            #expect(try await harness.get("b").queuePosition == nil)
            #expect(try await harness.get("c").queuePosition?.positionInPriority == 2)
            #expect(try await harness.statistics().canceled == 1)
            #expect(try await harness.nextIDs(5) == ["a", "c"])
        }
    }

    @Test func `only the owner may cancel, or an operator`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a", service: "s\"é", user: "ü\\")
            for (service, user) in [("s\"é", "x"), ("x", "ü\\"), ("s\"e\u{301}", "ü\\")] {
                #expect(
                    try await Harness.refusal { _ = try await harness.cancel("a", service: service, user: user) }
                        == .notOwner)
            }
            #expect(try await harness.get("a").record.status == .queued)
            #expect(try await harness.cancel("a", service: "s\"é", user: "ü\\").status == .canceled)
            try await harness.enqueue("b")
            #expect(try await harness.cancel("b", user: "x", caller: Harness.asOperator).status == .canceled)
        }
    }

    @Test func `a dispatched task is marked canceled, and keeps what it was handed out with`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            _ = try await harness.next(submitter: "n1")
            let record = try await harness.cancel("a")
            #expect(record.status == .canceled)
            #expect(record.attempt == 1)
            #expect(record.submitterID == "n1")
            #expect(try await harness.statistics().canceled == 1)
            #expect(try await harness.statistics().dispatched == 1)
        }
    }

    @Test(arguments: ["completed", "failed"])
    func `a finished task is not canceled`(_ status: String) async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            _ = try await harness.next()
            let record = try #require(try await harness.text("GET", "dms:task:a"))
            _ = try await harness.redis.call(["SET", "dms:task:a", record.replacing("dispatched", with: status)])
            #expect(try await Harness.refusal { _ = try await harness.cancel("a") } == .taskFinished)
            #expect(try await harness.statistics().canceled == 0)
        }
    }

    @Test func `an id that is unknown, or whose record cannot be read, is not found`() async throws {
        try await Harness.with { harness in
            _ = try await harness.redis.call(["SET", "dms:task:broken", "{}"])
            for id in ["nobody", "broken"] {
                #expect(try await Harness.refusal { _ = try await harness.cancel(id) } == .taskNotFound)
                #expect(try await Harness.refusal { _ = try await harness.get(id) } == .taskNotFound)
                #expect(try await Harness.refusal { _ = try await harness.setPriority(id, .high) } == .taskNotFound)
            }
        }
    }
}

@Suite struct PriorityTests {
    @Test func `a task moves to the tail of the other queue`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id, .low) }
            try await harness.enqueue("c", .high)
            let moved = try await harness.setPriority("a", .high)
            #expect(moved.priority == .high)
            #expect(moved.status == .queued)
            #expect(try await harness.get("a").record == moved)
            #expect(try await harness.get("a").queuePosition?.globalPosition == 2)
            #expect(try await harness.get("b").queuePosition?.globalPosition == 3)
            #expect(try await harness.nextIDs(5) == ["c", "a", "b"])
            #expect(try await harness.statistics().queued == 3)
        }
    }

    @Test func `with the priority it has already nothing moves`() async throws {
        try await Harness.with { harness in
            let record = try await harness.enqueue("a")
            try await harness.enqueue("b")
            #expect(try await harness.setPriority("a", .low) == record)
            #expect(try await harness.nextIDs(5) == ["a", "b"])
        }
    }

    @Test func `the token comes before the task, and the task before its status`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            _ = try await harness.next()
            let refusal = { (id: String, caller: Caller) in
                try await Harness.refusal { _ = try await harness.setPriority(id, .high, caller: caller) }
            }
            #expect(try await refusal("nobody", Caller()) == .tokenRequired)
            #expect(try await refusal("nobody", Caller(operatorToken: "x")) == .tokenInvalid)
            #expect(try await refusal("nobody", Harness.asOperator) == .taskNotFound)
            #expect(try await refusal("a", Harness.asOperator) == .taskNotQueued)
        }
    }
}

@Suite struct BlockTests {
    @Test func `the flag closes submissions and nothing else`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let state = try await harness.pool.call {
                $0.block(true, reason: "ünfit \"x\"", caller: Harness.asOperator)
            }
            #expect(state.blocked)
            #expect(state.reason == "ünfit \"x\"")
            #expect(try await harness.pool.call { $0.blockState(caller: Harness.asOperator) } == state)
            let time = try #require(state.updatedAt).description
            #expect(
                try await harness.text("GET", "dms:block:frontend")
                    == #"{"blocked":true,"reason":"ünfit \"x\"","updated_at":"\#(time)"}"#)
            // Each of those that are asked for at once is told.
            let refusals = await withTaskGroup(of: SchedulerError?.self) { calls in
                for id in ["c", "d", "e"] {
                    calls.addTask {
                        await #expect(throws: SchedulerError.self) { try await harness.enqueue(id) }
                    }
                }
                return await calls.reduce(into: []) { $0.append($1) }
            }
            #expect(refusals.map { $0?.reason } == [.submissionsBlocked, .submissionsBlocked, .submissionsBlocked])
            for refusal in refusals {
                #expect(refusal?.message == "An admin has blocked submissions: \"ünfit \"x\"\"")
            }
            #expect(try await harness.nextIDs() == ["a"])
            #expect(try await harness.cancel("b").status == .canceled)
        }
    }

    @Test func `resume keeps the reason, unless it is given another`() async throws {
        try await Harness.with { harness in
            let resume = { (reason: String?) in
                try await harness.pool.call { $0.resume(reason: reason, caller: Harness.asOperator) }
            }
            #expect(try await resume(nil).reason == nil)
            _ = try await harness.pool.call { $0.block(true, reason: "a/b \"é\"", caller: Harness.asOperator) }
            #expect(try await resume(nil).reason == "a/b \"é\"")
            #expect(try await resume(nil).blocked == false)
            #expect(try await resume("done").reason == "done")
            try await harness.enqueue("a")
        }
    }

    @Test func `a flag that was never set blocks nothing and has no time`() async throws {
        try await Harness.with { harness in
            let state = try await harness.pool.call { $0.blockState(caller: Harness.asOperator) }
            #expect(state == BlockState(blocked: false, reason: nil, updatedAt: nil))
        }
    }

    @Test func `only an operator reads or sets it`() async throws {
        try await Harness.with { harness in
            let caller = Caller(operatorToken: "wrong")
            for refusal in [
                try await Harness.refusal {
                    _ = try await harness.pool.call { $0.block(true, reason: nil, caller: caller) }
                },
                try await Harness.refusal {
                    _ = try await harness.pool.call { $0.resume(reason: nil, caller: caller) }
                },
                try await Harness.refusal { _ = try await harness.pool.call { $0.blockState(caller: caller) } },
            ] {
                #expect(refusal == .tokenInvalid)
            }
            #expect(try await harness.list("KEYS", "*").allSatisfy { $0 == "dms:enqueued:built" })
        }
    }
}
