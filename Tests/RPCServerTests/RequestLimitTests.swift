import DMSModel
import DMSWire
import NIOCore
import Scheduler
import TestSupport
import Testing

/// Each limit of a request's fields, at the limit and one past it.
@Suite(.timeLimit(.minutes(2))) struct RequestLimitTests {
    private let unknown = LeaseReference(taskID: TaskID("nobody"), token: "t")

    @Test func `the fields of a Next are taken at their limits, and refused one past them`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let text = String(repeating: "x", count: 256)
            let longToken = LeaseReference(taskID: TaskID("nobody"), token: text)
            let pastToken = LeaseReference(taskID: TaskID("nobody"), token: text + "x")
            let cases: [(taken: NextRequest, refused: NextRequest, field: String)] = [
                (NextRequest(maxTasks: 1000), NextRequest(maxTasks: 1001), "max_tasks"),
                (NextRequest(maxTasks: 0), NextRequest(maxTasks: .max), "max_tasks"),
                (
                    NextRequest(waitMilliseconds: 600_000), NextRequest(waitMilliseconds: 600_001), "wait_ms"
                ),
                (NextRequest(leaseMilliseconds: 0), NextRequest(leaseMilliseconds: 1), "lease_ms"),
                (
                    NextRequest(leaseMilliseconds: 86_400_000), NextRequest(leaseMilliseconds: 86_400_001), "lease_ms"
                ),
                (NextRequest(submitterID: text), NextRequest(submitterID: text + "x"), "submitter_id"),
                (NextRequest(requestID: text), NextRequest(requestID: text + "x"), "request_id"),
                (NextRequest(requestID: "é"), NextRequest(requestID: "a\u{7f}"), "request_id"),
                (
                    NextRequest(acks: Array(repeating: unknown, count: 1000)),
                    NextRequest(acks: Array(repeating: unknown, count: 1001)), "acks"
                ),
                (NextRequest(acks: [longToken]), NextRequest(acks: [longToken, pastToken]), "acks[1].lease_token"),
                // The last, since its task comes back.
                (NextRequest(leaseMilliseconds: 1000), NextRequest(leaseMilliseconds: 999), "lease_ms"),
            ]
            for (index, (taken, refused, field)) in cases.enumerated() {
                try await caller.enqueue("t\(index)")
                #expect(try await caller.badFields(Methods.Submitter.next, refused) == [field])
                let answer = try await caller.call(Methods.Submitter.next, taken)
                #expect(answer.tasks.map(\.taskID.text) == ["t\(index)"], "\(field)")
                #expect(answer.acks.count == taken.acks.count)
            }
            await caller.client.close()
        }
    }

    @Test func `Ack and Renew take 1,000 leases, and Renew the lengths that Next takes`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let most = Array(repeating: unknown, count: 1000)
            #expect(try await caller.call(Methods.Submitter.ack, AckRequest(leases: most)).outcomes.count == 1000)
            #expect(
                try await caller.badFields(Methods.Submitter.ack, AckRequest(leases: most + [unknown])) == ["leases"])
            let renew = Methods.Submitter.renew
            for milliseconds in [0, 1000, 86_400_000] as [UInt32] {
                let renewal = LeaseRenewal(leases: most, leaseMilliseconds: milliseconds)
                #expect(try await caller.call(renew, renewal).outcomes.count == 1000)
            }
            #expect(try await caller.badFields(renew, LeaseRenewal(leases: most + [unknown])) == ["leases"])
            for milliseconds in [1, 999, 86_400_001, .max] as [UInt32] {
                let renewal = LeaseRenewal(leases: [], leaseMilliseconds: milliseconds)
                #expect(try await caller.badFields(renew, renewal) == ["lease_ms"])
            }
            // None at all is an answer as well.
            #expect(try await caller.call(Methods.Submitter.ack, AckRequest(leases: [])).outcomes == [])
            #expect(try await caller.call(renew, LeaseRenewal(leases: [])).outcomes == [])
            await caller.client.close()
        }
    }

    @Test func `a result has up to 1 MiB of JSON, and an error up to 64 KiB`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let method = Methods.Submitter.finish
            for id in ["completed", "failed", "nested"] { try await caller.enqueue(id) }
            #expect(try await caller.next(3).count == 3)
            func finish(_ id: String, result: String = "", error: String? = nil) -> TaskFinish {
                TaskFinish(
                    lease: LeaseReference(taskID: TaskID(id), token: ""), succeeded: error == nil,
                    result: ByteBuffer(string: result), error: error ?? "")
            }
            let largest = "\"" + String(repeating: "x", count: (1 << 20) - 2) + "\""
            #expect(try await caller.refusal(method, finish("completed", result: largest + " ")) == .limitResult)
            let completed = try await caller.call(method, finish("completed", result: largest))
            #expect(completed.result == ByteBuffer(string: largest))
            #expect(
                try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("completed"))).record
                    == completed)

            let longest = String(repeating: "\u{1}", count: 64 << 10)
            #expect(try await caller.badFields(method, finish("failed", error: longest + "x")) == ["error"])
            let failed = try await caller.call(method, finish("failed", error: longest))
            #expect(failed.error == longest)
            #expect(try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("failed"))).record == failed)

            func nested(_ depth: Int) -> String {
                String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            }
            for bad in [nested(513), "{", "NaN", "1 2", "\u{feff}1"] {
                #expect(try await caller.badFields(method, finish("nested", result: bad)) == ["result"])
            }
            #expect(try await caller.call(method, finish("nested", result: nested(512))).status == .completed)
            try await caller.enqueue("half")
            #expect(try await caller.next(1) == ["half"])
            let half = try await caller.call(method, finish("half", result: "[1, 2]", error: "disk full"))
            #expect((half.result, half.error) == (ByteBuffer(string: "[1, 2]"), "disk full"))
            #expect(try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("half"))).record == half)

            // Only a task that failed has an error.
            let both = TaskFinish(
                lease: unknown, succeeded: true, result: ByteBuffer(string: "1"), error: "no")
            #expect(try await caller.badFields(method, both) == ["error"])
            await caller.client.close()
        }
    }

    @Test func `a return's reason has up to 4,096 bytes`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let held = try await caller.call(Methods.Submitter.next, NextRequest(leaseMilliseconds: 60_000))
            let token = try #require(held.leasedTasks.first).leaseToken
            let lease = LeaseReference(taskID: TaskID("t"), token: token)
            let longest = String(repeating: "x", count: 4096)
            let method = Methods.Submitter.return
            #expect(try await caller.badFields(method, TaskReturn(lease: lease, reason: longest + "x")) == ["reason"])
            #expect(try await caller.call(method, TaskReturn(lease: lease, reason: longest)).status == .queued)
            await caller.client.close()
        }
    }

    @Test func `the most that a Next may answer with fits a frame`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let name = String(repeating: "n", count: 256)
            // As small as tasks of the longest names may be, and as many as an answer holds.
            for index in 0..<1000 {
                let id = String(repeating: "i", count: 252) + String(10_000 + index).dropFirst()
                let submission = TaskSubmission(
                    taskID: TaskID(id), service: name, userID: name, parameters: ByteBuffer(string: "{}"))
                _ = try await caller.call(Methods.Tasks.enqueue, submission)
            }
            let acks = (0..<1000).map { index in
                LeaseReference(
                    taskID: TaskID(String(repeating: "é", count: 126) + String(1000 + index)), token: name)
            }
            let request = NextRequest(
                maxTasks: 1000, leaseMilliseconds: 60_000, submitterID: name, requestID: name, acks: acks)
            let answer = try await caller.call(Methods.Submitter.next, request)
            #expect(answer.tasks.count == 1000)
            #expect(answer.acks.map(\.taskID) == acks.map(\.taskID))
            #expect(answer.acks.allSatisfy { $0.error?.reason == .taskNotFound })
            // The same outcomes, beside as many records as an answer holds by their size.
            let text = String(repeating: "x", count: 100_000)
            for index in 0..<40 { try await caller.enqueue("large \(index)", parameters: #"{"x":"\#(text)"}"#) }
            let large = try await caller.call(Methods.Submitter.next, NextRequest(maxTasks: 1000, acks: acks))
            #expect((30..<40).contains(large.tasks.count))
            #expect(large.tasks.map(\.taskID.text) == large.tasks.indices.map { "large \($0)" })
            #expect(large.acks.count == 1000)
            #expect(try await caller.next(1000) == (large.tasks.count..<40).map { "large \($0)" })
            await caller.client.close()
        }
    }
}

/// What a request's enumerations stand for where they are left out.
@Suite(.timeLimit(.minutes(2))) struct UnspecifiedTests {
    /// Calls with a payload of these bytes.
    private func call(_ service: String, _ method: String, _ payload: [UInt8], on streamID: UInt32, _ client: RawClient)
        async
    {
        let envelope = RequestEnvelope(
            service: service, method: method, payload: ByteBuffer(bytes: payload),
            metadata: SchedulerServer.asOperator)
        await client.send(Bytes.request(envelope, on: streamID))
    }

    @Test func `a priority change to none is one to low`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t", .high)
            let client = try await scheduler.server.client()
            // Field 1, the task's id, and no more.
            await call("dms.v1.Admin", "SetPriority", [0x0a, 0x01, 0x74], on: 1, client)
            #expect(try await client.message(TaskRecord.self, on: 1).priority == .low)
            await client.close()
            await caller.client.close()
        }
    }

    @Test func `a list's status of 0 is refused, its priority of 0 is low`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await eventually { (try? await caller.call(Methods.Tasks.list, TaskQuery())) != nil }
            try await caller.enqueue("high", .high)
            try await caller.enqueue("low")
            let client = try await scheduler.server.client()
            // Field 3, status, and field 4, priority: a list of one number each.
            await call("dms.v1.Tasks", "List", [0x1a, 0x01, 0x00], on: 1, client)
            let error = try await client.error(on: 1)
            #expect(error.knownReason == .invalidField)
            #expect(error.violations.map(\.field) == ["status"])
            await call("dms.v1.Tasks", "List", [0x22, 0x01, 0x00], on: 3, client)
            #expect(try await client.message(TaskPage.self, on: 3).tasks.map(\.taskID.text) == ["low"])
            await client.close()
            await caller.client.close()
        }
    }

    @Test func `a request's own id and its trace change no answer`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let metadata = [
                MetadataEntry(key: "x-request-id", value: "r"), MetadataEntry(key: "traceparent", value: "no trace"),
                MetadataEntry(key: "X-Other", value: ""), MetadataEntry(key: "", value: ""),
            ]
            #expect(try await caller.call(Methods.Tasks.overview, OverviewRequest(), metadata).total == 0)
            await caller.client.close()
        }
    }
}
