import DMSModel
import DMSWire
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct AdminMethodTests {
    @Test func `a wrong token is answered later each time, and nobody waits for that`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            let wrong = [MetadataEntry(key: "x-dms-operator-token", value: "wrong")]
            for streamID in stride(from: UInt32(1), to: 10, by: 2) {
                let error = try await client.refusal(
                    Methods.Admin.getBlock, GetBlockRequest(), on: streamID, metadata: wrong)
                #expect(error.knownReason == .tokenInvalid)
            }
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 11, metadata: wrong))
            await client.send(
                Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 13, metadata: SchedulerServer.asOperator))
            #expect(try await client.answer().streamID == 13)
            let other = try await scheduler.caller()
            _ = try await other.call(Methods.Admin.getBlock, GetBlockRequest())
            #expect(try await client.error(on: 11).knownReason == .tokenInvalid)
            // One that is given up meanwhile is answered once.
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 15, metadata: wrong))
            await client.send(Bytes.frame(.cancel, on: 15))
            #expect(try await client.error(on: 15).knownReason == .cancelled)
            await client.send(
                Bytes.request(
                    Methods.Admin.getBlock, GetBlockRequest(), on: 17, timeoutNanoseconds: 1_000_000, metadata: wrong))
            #expect(try await client.error(on: 17).knownReason == .deadlineExceeded)
            await client.close()
            await other.client.close()
        }
    }

    @Test func `a task is moved to the tail of another queue`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let method = Methods.Admin.setPriority
            try await caller.enqueue("a", .high)
            try await caller.enqueue("b")
            let moved = try await caller.call(method, SetPriorityRequest(taskID: TaskID("b"), priority: .high))
            #expect(moved.priority == .high)
            #expect(try await caller.next(2) == ["a", "b"])
            #expect(
                try await caller.refusal(method, SetPriorityRequest(taskID: TaskID("b"), priority: .low))
                    == .taskNotQueued)
            #expect(
                try await caller.refusal(method, SetPriorityRequest(taskID: TaskID("c"), priority: .low))
                    == .taskNotFound)
            #expect(
                try await caller.badFields(method, SetPriorityRequest(taskID: TaskID(""), priority: .low))
                    == ["task_id"])
            await caller.client.close()
        }
    }

    @Test func `admins can block, resume and move tasks while Redis is full`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("a")
            try await scheduler.redis.call("CONFIG", "SET", "maxmemory", "1")
            let submission = SchedulerServer.submission("b")
            #expect(try await caller.refusal(Methods.Tasks.enqueue, submission) == .storeFull)
            let blocked = try await caller.call(Methods.Admin.block, BlockRequest(blocked: true, reason: "flood"))
            #expect(blocked.blocked)
            #expect(try await caller.refusal(Methods.Tasks.enqueue, submission) == .submissionsBlocked)
            let resumed = try await caller.call(Methods.Admin.resume, ResumeRequest())
            #expect(!resumed.blocked && resumed.reason == "flood")
            let move = SetPriorityRequest(taskID: TaskID("a"), priority: .high)
            #expect(try await caller.call(Methods.Admin.setPriority, move).priority == .high)
            await caller.client.close()
        }
    }

    @Test func `submissions are blocked, resumed, and the state is read`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let never = try await caller.call(Methods.Admin.getBlock, GetBlockRequest())
            #expect(never == BlockState(blocked: false, reason: nil, updatedAt: nil))

            let blocked = try await caller.call(
                Methods.Admin.block, BlockRequest(blocked: true, reason: "caf\u{e9}"))
            #expect(blocked.blocked)
            #expect(blocked.reason == "caf\u{e9}")
            #expect(blocked.updatedAt != nil)
            #expect(try await caller.call(Methods.Admin.getBlock, GetBlockRequest()) == blocked)

            let other = try await scheduler.server.client()
            let refused = try await other.refusal(Methods.Tasks.enqueue, SchedulerServer.submission("t"), on: 1)
            await other.close()
            #expect(refused.knownReason == .submissionsBlocked)
            #expect(refused.message == "An admin has blocked submissions: \"caf\u{e9}\"")
            let resumed = try await caller.call(Methods.Admin.resume, ResumeRequest())
            #expect(!resumed.blocked)
            #expect(resumed.reason == "caf\u{e9}")
            #expect(try await caller.call(Methods.Admin.resume, ResumeRequest(reason: "done")).reason == "done")
            let without = try await caller.call(Methods.Admin.block, BlockRequest(blocked: true))
            #expect(without.reason == nil)

            let long = String(repeating: "x", count: Limits.reasonBytesMax)
            #expect(try await caller.call(Methods.Admin.resume, ResumeRequest(reason: long)).reason == long)
            #expect(
                try await caller.badFields(Methods.Admin.block, BlockRequest(blocked: true, reason: long + "x"))
                    == ["reason"])
            #expect(try await caller.badFields(Methods.Admin.resume, ResumeRequest(reason: long + "x")) == ["reason"])
            await caller.client.close()
        }
    }

    /// Expects every admin method to refuse the call for that reason.
    private func expectRefused(
        _ reason: SchedulerError.Reason, _ scheduler: SchedulerServer, _ metadata: [MetadataEntry]
    ) async throws {
        let caller = try await scheduler.caller()
        let reasons = [
            try await caller.refusal(
                Methods.Admin.setPriority, SetPriorityRequest(taskID: TaskID("t"), priority: .low), metadata),
            try await caller.refusal(Methods.Admin.block, BlockRequest(blocked: true), metadata),
            try await caller.refusal(Methods.Admin.resume, ResumeRequest(), metadata),
            try await caller.refusal(Methods.Admin.getBlock, GetBlockRequest(), metadata),
        ]
        await caller.client.close()
        #expect(reasons == Array(repeating: reason, count: 4))
    }

    @Test func `every admin method needs the operator token`() async throws {
        try await SchedulerServer.with { scheduler in
            try await expectRefused(.tokenRequired, scheduler, [])
            let wrong = [MetadataEntry(key: "x-dms-operator-token", value: "correct horsf")]
            try await expectRefused(.tokenInvalid, scheduler, wrong)
            let otherKey = [MetadataEntry(key: "X-DMS-Operator-Token", value: SchedulerServer.operatorToken)]
            try await expectRefused(.tokenRequired, scheduler, otherKey)
        }
    }

    @Test func `an admin's fields are looked at before the token, and the token before the task`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let long = String(repeating: "x", count: Limits.reasonBytesMax + 1)
            let method = Methods.Admin.setPriority
            #expect(
                try await caller.badFields(method, SetPriorityRequest(taskID: TaskID(""), priority: .low), [])
                    == ["task_id"])
            #expect(
                try await caller.badFields(Methods.Admin.block, BlockRequest(blocked: true, reason: long), [])
                    == ["reason"])
            #expect(try await caller.badFields(Methods.Admin.resume, ResumeRequest(reason: long), []) == ["reason"])
            let unknown = SetPriorityRequest(taskID: TaskID("nobody"), priority: .low)
            #expect(try await caller.refusal(method, unknown, []) == .tokenRequired)
            #expect(try await caller.refusal(method, unknown) == .taskNotFound)
            await caller.client.close()
        }
    }

    @Test func `without a configured operator token every admin method is closed`() async throws {
        try await SchedulerServer.with {
            $0.tokens.operators = []
        } _: { scheduler in
            try await expectRefused(.tokenNotConfigured, scheduler, SchedulerServer.asOperator)
        }
    }
}
