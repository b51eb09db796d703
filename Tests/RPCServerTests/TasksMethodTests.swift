import DMSModel
import DMSWire
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct TasksMethodTests {
    @Test func `a record of another program is the same to Get, Next and Cancel`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            for id in ["f1", "f2"] {
                let text =
                    #"{"status": "queued", "priority": "low", "task_id": "\#(id)", "service": "copy", "user_id": "ada", "#
                    + #""enqueued_at": "2025-11-23T10:11:12", "updated_at": "2025-11-23T10:11:12", "x": [1], "#
                    + #""parameters":{"n": 1e400}}"# + "\n"
                try await scheduler.redis.call("SET", "dms:task:\(id)", text)
                try await scheduler.redis.call("RPUSH", "dms:queue:low", id)
            }
            let summary = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("f1")))
            #expect(summary.record.parameters == ByteBuffer(string: #"{"n": 1e400}"#))
            #expect(summary.queuePosition?.positionInPriority == 1)
            #expect(try await caller.next(1) == ["f1"])
            let cancellation = TaskCancellation(taskID: TaskID("f2"), service: "copy", userID: "ada")
            #expect(try await caller.call(Methods.Tasks.cancel, cancellation, []).status == .canceled)
            #expect(try await caller.next(1) == [])
        }
    }

    @Test func `a task is submitted, looked at, counted and canceled`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let parameters = #"{"n": 123456789012345678901234567890, "e": "\u00e9\n", "a": [], "d": 1.0, "a": {} }"#
            let record = try await caller.enqueue("caf\u{e9} /?", .mid, parameters: parameters)
            #expect(record.taskID == TaskID("caf\u{e9} /?"))
            #expect(record.service == "copy")
            #expect(record.userID == "ada")
            #expect(record.parameters == ByteBuffer(string: parameters))
            #expect(record.priority == .mid)
            #expect(record.status == .queued)
            #expect(record.enqueuedAt == record.updatedAt)
            #expect(record.attempt == 0)

            try await caller.enqueue("h", .high)
            let summary = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: record.taskID))
            #expect(summary.record == record)
            #expect(
                summary.queuePosition
                    == QueuePosition(priority: .mid, positionInPriority: 1, globalPosition: 2))
            let overview = QueueOverview(high: 1, mid: 1, low: 0)
            #expect(summary.overview == overview)
            #expect(try await caller.call(Methods.Tasks.overview, OverviewRequest(), []) == overview)

            let cancellation = TaskCancellation(taskID: record.taskID, service: "copy", userID: "ada")
            let canceled = try await caller.call(Methods.Tasks.cancel, cancellation, [])
            #expect(canceled.status == .canceled)
            #expect(canceled.parameters == record.parameters)

            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest(), [])
            #expect(statistics.queued == 2)
            #expect(statistics.canceled == 1)
            #expect(statistics.dispatched == 0)
            #expect(statistics.overview == QueueOverview(high: 1, mid: 0, low: 0))
            #expect(statistics.lastUpdated == canceled.updatedAt)
            let after = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: record.taskID), [])
            #expect(after.record.status == .canceled)
            #expect(after.queuePosition == nil)
            await caller.client.close()
        }
    }

    @Test func `a new scheduler counts nothing`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let none = QueueOverview(high: 0, mid: 0, low: 0)
            #expect(try await caller.call(Methods.Tasks.overview, OverviewRequest(), []) == none)
            let statistics = try await caller.call(Methods.Tasks.getStats, GetStatsRequest(), [])
            #expect(
                statistics
                    == Statistics(queued: 0, dispatched: 0, canceled: 0, lastUpdated: nil, overview: none))
            await caller.client.close()
        }
    }

    @Test func `a submission of no priority is a low one`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            var payload = SchedulerServer.submission("t", .low).encoded()
            // The priority is the last field: a tag and a number.
            payload.moveWriterIndex(to: payload.writerIndex - 2)
            let method = Methods.Tasks.enqueue
            let envelope = RequestEnvelope(service: method.service, method: method.name, payload: payload)
            await caller.client.send(Bytes.request(envelope, on: 1))
            #expect(try await caller.client.message(TaskRecord.self, on: 1).priority == .low)
            await caller.client.close()
        }
    }

    @Test func `a submission is refused for what is wrong with it`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let method = Methods.Tasks.enqueue
            let empty = TaskSubmission(taskID: TaskID(""), service: "", userID: "", parameters: ByteBuffer())
            #expect(
                try await caller.badFields(method, empty) == ["task_id", "service", "user_id", "parameters"])
            let long = String(repeating: "x", count: Limits.nameBytesMax)
            try await caller.enqueue(long)
            #expect(try await caller.badFields(method, SchedulerServer.submission(long + "x")) == ["task_id"])
            #expect(try await caller.badFields(method, SchedulerServer.submission("a\0b")) == ["task_id"])
            #expect(
                try await caller.badFields(method, SchedulerServer.submission("t", parameters: "[]")) == ["parameters"])

            let around = #"{"k":""}"#.utf8.count
            let most = #"{"k":""# + String(repeating: "x", count: Limits.parametersBytesMax - around) + #""}"#
            #expect(try await caller.enqueue("largest", parameters: most).parameters == ByteBuffer(string: most))
            #expect(
                try await caller.refusal(method, SchedulerServer.submission("larger", parameters: most + " "))
                    == .limitParameters)

            // Its size comes before all else that is wrong.
            #expect(
                try await caller.refusal(method, SchedulerServer.submission("", parameters: most + " "))
                    == .limitParameters)

            #expect(try await caller.refusal(method, SchedulerServer.submission("t", .high), []) == .tokenRequired)
            let wrong = [MetadataEntry(key: "x-dms-operator-token", value: "wrong")]
            #expect(try await caller.refusal(method, SchedulerServer.submission("t", .mid), wrong) == .tokenInvalid)
            try await caller.enqueue("t")
            #expect(try await caller.refusal(method, SchedulerServer.submission("t")) == .taskExists)

            _ = try await caller.call(Methods.Admin.block, BlockRequest(blocked: true, reason: "closed"))
            #expect(try await caller.refusal(method, SchedulerServer.submission("u")) == .submissionsBlocked)
            await caller.client.close()
        }
    }

    @Test func `a task that there is not is not found, another's is not canceled`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            #expect(try await caller.refusal(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t"))) == .taskNotFound)
            let cancellation = TaskCancellation(taskID: TaskID("t"), service: "copy", userID: "eve")
            #expect(try await caller.refusal(Methods.Tasks.cancel, cancellation, []) == .taskNotFound)
            try await caller.enqueue("t")
            #expect(try await caller.refusal(Methods.Tasks.cancel, cancellation, []) == .notOwner)
            #expect(try await caller.call(Methods.Tasks.cancel, cancellation).status == .canceled)

            let nobody = TaskCancellation(taskID: TaskID("t"), service: "", userID: "ada")
            #expect(try await caller.badFields(Methods.Tasks.cancel, nobody) == ["service"])
            await caller.client.close()
        }
    }

    @Test func `a cancel with a wrong operator token is refused for it, whosever the task is`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            let wrong = [MetadataEntry(key: "x-dms-operator-token", value: "wrong")]
            for (id, user) in [("t", "ada"), ("t", "eve"), ("nobody", "ada")] {
                let cancellation = TaskCancellation(taskID: TaskID(id), service: "copy", userID: user)
                #expect(try await caller.refusal(Methods.Tasks.cancel, cancellation, wrong) == .tokenInvalid)
            }
            let summary = try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t")))
            #expect(summary.record.status == .queued)
            await caller.client.close()
        }
    }

    @Test func `an empty id is no id, and its field is named`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            #expect(try await caller.badFields(Methods.Tasks.get, GetTaskRequest(taskID: TaskID(""))) == ["task_id"])
            await caller.client.close()
        }
    }

    @Test(arguments: ["index", "a\0b", String(repeating: "x", count: 257), "nobody"])
    func `an id that no task can have is not found`(id: String) async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("t")
            #expect(try await caller.refusal(Methods.Tasks.get, GetTaskRequest(taskID: TaskID(id))) == .taskNotFound)
            await caller.client.close()
        }
    }

    @Test func `a task that has finished is not canceled`() async throws {
        try await SchedulerServer.with { scheduler in
            let record =
                #"{"task_id":"t","service":"copy","user_id":"ada","parameters":{},"priority":"low","#
                + #""status":"completed","enqueued_at":"2025-11-23T10:11:12.123456Z","#
                + #""updated_at":"2025-11-23T10:11:12.123456Z"}"#
            try await scheduler.redis.call("SET", "dms:task:t", record)
            let caller = try await scheduler.caller()
            let cancellation = TaskCancellation(taskID: TaskID("t"), service: "copy", userID: "ada")
            #expect(try await caller.refusal(Methods.Tasks.cancel, cancellation) == .taskFinished)
            await caller.client.close()
        }
    }

    @Test func `tasks are listed page by page`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await eventually { (try? await caller.call(Methods.Tasks.list, TaskQuery())) != nil }
            for id in ["a", "b", "c"] { try await caller.enqueue(id, id == "b" ? .high : .low) }
            var query = TaskQuery(pageSize: 2)
            let first = try await caller.call(Methods.Tasks.list, query)
            #expect(first.tasks.map(\.taskID.text) == ["a", "b"])
            query.pageToken = first.nextPageToken
            let second = try await caller.call(Methods.Tasks.list, query)
            #expect(second.tasks.map(\.taskID.text) == ["c"])
            #expect(second.nextPageToken.isEmpty)
            let high = try await caller.call(Methods.Tasks.list, TaskQuery(priorities: [.high], newestFirst: true))
            #expect(high.tasks.map(\.taskID.text) == ["b"])
            query.newestFirst = true
            #expect(try await caller.badFields(Methods.Tasks.list, query) == ["page_token"])
            await caller.client.close()
        }
    }

    @Test func `pages of tasks of 1 MiB fit a frame`() async throws {
        try await SchedulerServer.with(configure: { $0.redis = RedisOptions() }) { scheduler in
            let caller = try await scheduler.caller()
            try await eventually { (try? await caller.call(Methods.Tasks.list, TaskQuery())) != nil }
            let large = #"{"x":"\#(String(repeating: "x", count: Limits.parametersBytesMax - 8))"}"#
            for number in 0..<7 { try await caller.enqueue("large-\(number)", parameters: large) }
            var query = TaskQuery(pageSize: 1000)
            var ids: [String] = []
            repeat {
                let page = try await caller.call(Methods.Tasks.list, query)
                for task in page.tasks {
                    ids.append(task.taskID.text)
                    #expect(task.parameters.readableBytes == Limits.parametersBytesMax)
                }
                query.pageToken = page.nextPageToken
            } while !query.pageToken.isEmpty
            #expect(ids == (0..<7).map { "large-\($0)" })
            await caller.client.close()
        }
    }
}
