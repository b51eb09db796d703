import DMSModel
import DMSWire
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct SubmitterMethodTests {
    @Test func `tasks come by priority, then by age`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            for (id, priority) in [("l1", .low), ("m1", .mid), ("h1", .high), ("l2", .low), ("h2", .high)]
                as [(String, Priority)]
            {
                try await caller.enqueue(id, priority)
            }
            #expect(try await caller.next(1) == ["h1"])
            // 0 stands for 1.
            #expect(try await caller.next(0) == ["h2"])
            #expect(try await caller.next(1000) == ["m1", "l1", "l2"])
            #expect(try await caller.next(1) == [])
            await caller.client.close()
        }
    }

    @Test func `a task that is handed out is dispatched, with no lease`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let record = try await caller.enqueue("t", parameters: #"{"status":"queued"}"#)
            let request = NextRequest(maxTasks: 1, submitterID: "gpu-7")
            let answer = try await caller.call(Methods.Submitter.next, request, [])
            let task = try #require(answer.leasedTasks.first)
            #expect(task.leaseToken == "")
            #expect(task.leaseExpiresAt == nil)
            #expect(answer.acks == [])
            #expect(task.record.status == .dispatched)
            #expect(task.record.parameters == record.parameters)
            #expect(task.record.enqueuedAt == record.enqueuedAt)
            #expect(task.record.updatedAt >= record.updatedAt)
            await caller.client.close()
        }
    }

    @Test func `a request out of range, or for what is not there yet, is refused and takes nothing`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let method = Methods.Submitter.next
            try await caller.enqueue("t")
            #expect(try await caller.badFields(method, NextRequest(maxTasks: 1001)) == ["max_tasks"])
            #expect(try await caller.badFields(method, NextRequest(waitMilliseconds: 600_001)) == ["wait_ms"])
            #expect(try await caller.badFields(method, NextRequest(leaseMilliseconds: 999)) == ["lease_ms"])
            let long = String(repeating: "x", count: 257)
            #expect(try await caller.badFields(method, NextRequest(submitterID: long)) == ["submitter_id"])
            let nameless = LeaseReference(taskID: TaskID(""), token: "x")
            #expect(try await caller.badFields(method, NextRequest(acks: [nameless])) == ["acks[0].task_id"])
            #expect(
                try await caller.badFields(Methods.Submitter.ack, AckRequest(leases: [nameless]))
                    == ["leases[0].task_id"])
            let renewal = LeaseRenewal(leases: [], leaseMilliseconds: 999)
            #expect(try await caller.badFields(Methods.Submitter.renew, renewal) == ["lease_ms"])
            #expect(
                try await caller.badFields(Methods.Submitter.return, TaskReturn(lease: nameless)) == ["lease.task_id"])
            let finish = TaskFinish(
                lease: LeaseReference(taskID: TaskID("t"), token: ""), succeeded: true,
                result: ByteBuffer(string: "no JSON"), error: "no")
            #expect(try await caller.badFields(Methods.Submitter.finish, finish) == ["result", "error"])
            #expect(try await caller.next(1) == ["t"])
            await caller.client.close()
        }
    }

    @Test func `where a submitter token is set, fetching needs it or the operator's`() async throws {
        try await SchedulerServer.with {
            $0.tokens.submitters = [SchedulerServer.submitterToken]
        } _: { scheduler in
            let caller = try await scheduler.caller()
            let method = Methods.Submitter.next
            #expect(try await caller.refusal(method, NextRequest(), []) == .tokenRequired)
            let wrong = [MetadataEntry(key: "x-dms-submitter-token", value: "wrong")]
            #expect(try await caller.refusal(method, NextRequest(), wrong) == .tokenInvalid)
            _ = try await caller.call(method, NextRequest(), SchedulerServer.asSubmitter)
            _ = try await caller.call(method, NextRequest(), SchedulerServer.asOperator)
            await caller.client.close()
        }
    }

    @Test func `every method of a submitter needs the submitter token where one is set, before it is looked at`()
        async throws
    {
        try await SchedulerServer.with {
            $0.tokens.submitters = [SchedulerServer.submitterToken]
        } _: { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let held = try await caller.call(Methods.Submitter.next, NextRequest(leaseMilliseconds: 60_000))
            let lease = LeaseReference(
                taskID: TaskID("t"), token: try #require(held.leasedTasks.first).leaseToken)
            // Its own are wrong too, so that what is refused first is known.
            let bad = LeaseReference(taskID: TaskID(""), token: lease.token)
            func refusals(_ lease: LeaseReference, _ metadata: [MetadataEntry]) async throws -> [SchedulerError.Reason]
            {
                [
                    try await caller.refusal(
                        Methods.Submitter.next, NextRequest(maxTasks: 1001, acks: [lease]), metadata),
                    try await caller.refusal(Methods.Submitter.ack, AckRequest(leases: [lease]), metadata),
                    try await caller.refusal(Methods.Submitter.renew, LeaseRenewal(leases: [lease]), metadata),
                    try await caller.refusal(Methods.Submitter.return, TaskReturn(lease: lease), metadata),
                    try await caller.refusal(
                        Methods.Submitter.finish, TaskFinish(lease: lease, succeeded: true), metadata),
                ]
            }
            let wrong = [MetadataEntry(key: "x-dms-submitter-token", value: SchedulerServer.operatorToken)]
            for lease in [lease, bad] {
                #expect(try await refusals(lease, []) == Array(repeating: .tokenRequired, count: 5))
                #expect(try await refusals(lease, wrong) == Array(repeating: .tokenInvalid, count: 5))
            }
            #expect(
                try await refusals(bad, SchedulerServer.asSubmitter) == Array(repeating: .invalidField, count: 5))
            // The lease is as it was.
            let renewal = LeaseRenewal(leases: [lease])
            let outcomes = try await caller.call(Methods.Submitter.renew, renewal, SchedulerServer.asSubmitter).outcomes
            #expect(outcomes.map(\.error?.reason) == [nil])
            #expect(
                try await caller.call(
                    Methods.Submitter.finish, TaskFinish(lease: lease, succeeded: true), SchedulerServer.asSubmitter
                ).status == .completed)
            // Nobody else's method asks for it.
            #expect(try await caller.call(Methods.Tasks.overview, OverviewRequest(), []).total == 0)
            await caller.client.close()
        }
    }

    @Test func `an answer that would pass a frame holds fewer tasks, and none is lost`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let parameters = #"{"k":""# + String(repeating: "x", count: 1_000_000) + #""}"#
            for index in 0..<6 { try await caller.enqueue("t\(index)", parameters: parameters) }
            var taken: [String] = []
            while taken.count < 6 {
                let ids = try await caller.next(1000)
                #expect((1...4).contains(ids.count))
                taken += ids
            }
            #expect(taken == (0..<6).map { "t\($0)" })
            await caller.client.close()
        }
    }

    @Test func `many who submit and many who fetch at once: each task is handed out once`() async throws {
        let (clients, each) = (4, 250)
        try await SchedulerServer.with(threads: 2) { scheduler in
            let taken = try await withThrowingTaskGroup(of: [String].self) { tasks in
                for client in 0..<clients {
                    tasks.addTask {
                        let caller = try await scheduler.caller()
                        for index in 0..<each {
                            try await caller.enqueue("\(client)-\(index)", Priority.handOutOrder[index % 3])
                        }
                        await caller.client.close()
                        return []
                    }
                    tasks.addTask {
                        let caller = try await scheduler.caller()
                        var ids: [String] = []
                        try await eventually {
                            ids += try await caller.next(7)
                            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
                            return statistics.dispatched == UInt64(clients * each)
                        }
                        await caller.client.close()
                        return ids
                    }
                }
                return try await tasks.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == clients * each)
            #expect(Set(taken).count == clients * each)
            let caller = try await scheduler.caller()
            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest())
            #expect(statistics.queued == UInt64(clients * each))
            #expect(statistics.overview.total == 0)
            await caller.client.close()
        }
    }
}
