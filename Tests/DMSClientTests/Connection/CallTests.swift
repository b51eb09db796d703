import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// Calls on a connection that works.
@Suite(.timeLimit(.minutes(1))) struct CallTests {
    @Test func `answers find their callers in any order, on one connection`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let first = client.tasks.get(TaskID("first"))
            async let second = client.tasks.get(TaskID("second"))
            async let third = client.tasks.get(TaskID("third"))
            var received: [ReceivedCall] = []
            for _ in 0..<3 { received.append(try await calls.received()) }
            #expect(received.map(\.streamID) == [1, 3, 5])
            for call in received.reversed() {
                let id = try call.message(as: GetTaskRequest.self).taskID.text
                try await call.answer(
                    TaskSummary(record: Sample.record(id), queuePosition: nil, overview: Sample.overview))
            }
            #expect(try await first.record.taskID.text == "first")
            #expect(try await second.record.taskID.text == "second")
            #expect(try await third.record.taskID.text == "third")
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a thousand calls are in flight at once`() async throws {
        try await withServer(at: .tcp(host: "127.0.0.1", port: 0)) { server, client in
            let count = 1000
            var calls = server.makeCallIterator()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<count {
                    group.addTask {
                        try await client.tasks.get(TaskID("t\(number)")).record.taskID.text == "t\(number)"
                    }
                }
                var received: [ReceivedCall] = []
                while received.count < count { received.append(try await calls.received()) }
                for call in received.shuffled() {
                    let id = try call.message(as: GetTaskRequest.self).taskID.text
                    try await call.answer(
                        TaskSummary(record: Sample.record(id), queuePosition: nil, overview: Sample.overview))
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a client connects with its first call, not before`() async throws {
        try await withServer { server, client in
            #expect(server.connectionCount == 0)
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            try await calls.received().answer(Sample.overview)
            #expect(try await overview == Sample.overview)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a call carries its method, deadline, tokens and metadata`() async throws {
        let options = ClientOptions(operatorToken: "op", submitterToken: "sub", deadline: .seconds(7))
        try await withServer(options: options) { server, client in
            var calls = server.makeCallIterator()
            let metadata = [MetadataEntry(key: MetadataKey.requestID, value: "r-1")]
            async let record = client.tasks.enqueue(Sample.submission(), options: CallOptions(metadata: metadata))
            let call = try await calls.received()
            try await call.answer(Sample.record())
            #expect(try await record == Sample.record())
            #expect(call.header.type == .request)
            #expect(call.header.flags == [])
            #expect(call.envelope.service == "dms.v1.Tasks")
            #expect(call.envelope.method == "Enqueue")
            #expect(try call.message(as: TaskSubmission.self) == Sample.submission())
            #expect((6_000_000_000...7_000_000_000).contains(call.envelope.timeoutNanoseconds))
            #expect(
                call.envelope.metadata == [
                    MetadataEntry(key: "x-dms-operator-token", value: "op"),
                    MetadataEntry(key: "x-dms-submitter-token", value: "sub"),
                    MetadataEntry(key: "x-request-id", value: "r-1"),
                ])
        }
    }

    @Test func `a call without a deadline says none, and one with its own says that`() async throws {
        try await withServer(options: ClientOptions(deadline: nil)) { server, client in
            var calls = server.makeCallIterator()
            async let endless = client.tasks.overview()
            let first = try await calls.received()
            #expect(first.envelope.timeoutNanoseconds == 0)
            #expect(first.envelope.metadata.isEmpty)
            async let brief = client.tasks.overview(options: CallOptions(deadline: .seconds(30)))
            let second = try await calls.received()
            #expect((29_000_000_000...30_000_000_000).contains(second.envelope.timeoutNanoseconds))
            try await first.answer(Sample.overview)
            try await second.answer(Sample.overview)
            _ = try await (endless, brief)
        }
    }

    @Test func `the time that a Next may wait is added to the deadline`() async throws {
        try await withServer(options: ClientOptions(deadline: .seconds(10))) { server, client in
            var calls = server.makeCallIterator()
            async let answer = client.submitter.next(NextRequest(maxTasks: 2, waitMilliseconds: 20_000))
            let call = try await calls.received()
            #expect((29_000_000_000...30_000_000_000).contains(call.envelope.timeoutNanoseconds))
            let tasks = NextAnswer(tasks: [Sample.record("a"), Sample.record("b")])
            try await call.answer(tasks)
            #expect(try await answer == tasks)
        }
    }

    @Test func `each typed call asks for its method and reads its answer`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            func serve(_ service: String, _ method: String, _ answer: some WireMessage) async throws {
                let call = try await calls.received()
                #expect(call.envelope.service == service)
                #expect(call.envelope.method == method)
                try await call.answer(answer)
            }
            let cancellation = TaskCancellation(taskID: TaskID("task-1"), service: "thumbnails", userID: "anna")
            async let canceled = client.tasks.cancel(cancellation)
            try await serve("dms.v1.Tasks", "Cancel", Sample.record())
            #expect(try await canceled == Sample.record())

            let statistics = Statistics(
                queued: 6, dispatched: 5, canceled: 4, lastUpdated: Sample.moment, overview: Sample.overview)
            async let stats = client.tasks.stats()
            try await serve("dms.v1.Tasks", "GetStats", statistics)
            #expect(try await stats == statistics)

            async let moved = client.admin.setPriority(of: TaskID("task-1"), to: .high)
            try await serve("dms.v1.Admin", "SetPriority", Sample.record())
            #expect(try await moved == Sample.record())

            let state = BlockState(blocked: true, reason: "noon", updatedAt: Sample.moment)
            async let blocked = client.admin.block(true, reason: "noon")
            try await serve("dms.v1.Admin", "Block", state)
            #expect(try await blocked == state)
            async let resumed = client.admin.resume()
            try await serve("dms.v1.Admin", "Resume", state)
            #expect(try await resumed == state)
            async let asked = client.admin.blockState()
            try await serve("dms.v1.Admin", "GetBlock", state)
            #expect(try await asked == state)

            async let health = client.health.check()
            try await serve("grpc.health.v1.Health", "Check", HealthCheckResponse(status: .notServing))
            #expect(try await health == .notServing)
        }
    }

    @Test func `an error of the server comes with its reason and the fields it names`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let refusal = RPCError(
                SchedulerError.invalid([FieldViolation(field: "task_id", kind: .missing, message: "Field required")]))
            async let call = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().refuse(refusal)
            let error = await call.error
            #expect(error == .rpc(refusal))
            #expect(error?.rpcError?.violations.map(\.field) == ["task_id"])
            #expect(error?.isOutcomeUnknown == false)
        }
    }

    @Test func `an outcome that the server does not know is not known to the client`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let call = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().refuse(RPCError(SchedulerError(.outcomeUnknown, "the store fell silent")))
            #expect(await call.error?.isOutcomeUnknown == true)
        }
    }

    @Test func `a request that fits no frame is not sent, and costs the connection nothing`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let parameters = String(repeating: " ", count: FrameLimits.dataBytesMax)
            let tooLarge = await outcome { try await client.tasks.enqueue(Sample.submission(parameters: parameters)) }
            #expect(tooLarge.error == .requestTooLarge)
            async let overview = client.tasks.overview()
            try await calls.received().answer(Sample.overview)
            _ = try await overview
            #expect(server.connectionCount == 1)
        }
    }
}
