import ClientCommands
import DMSModel
import DMSWire
import Foundation
import NIOCore
import Testing

/// What another program makes of a list.
private struct ListedTasks: Decodable {
    struct Record: Decodable {
        var task_id: String
        var parameters: [String: String]
    }

    var tasks: [Record]
}

/// What `dms-admin` asks for and prints.
@Suite(.timeLimit(.minutes(1))) struct AdminCommandTests {
    private static let recordJSON = """
        {"task_id":"task-1","service":"thumbnails","user_id":"anna","parameters":{"page": 1},"priority":"low",\
        "status":"queued","enqueued_at":"2025-11-23T10:11:12.123456Z","updated_at":"2025-11-23T10:11:12.123456Z"}
        """
    private static let statistics = Statistics(
        queued: 120, dispatched: 100, canceled: 7, lastUpdated: Sample.moment, overview: Sample.overview, completed: 90,
        failed: 1, requeued: 2, leased: 3, waitingSubmitters: 4, oldestQueuedAt: nil)

    @Test func `stats are a table for people`() async throws {
        let outcome = try await CommandRun.admin(["stats"]) { calls in
            try await calls.received().answer(AdminCommandTests.statistics)
        }
        #expect(
            outcome.output == """
                Submitted               120
                Handed out              100
                Handed back               2
                Canceled                  7
                Completed                90
                Failed                    1
                Queued now                6
                  high                    1
                  mid                     2
                  low                     3
                Leased now                3
                Submitters waiting now    4
                Last change: 2025-11-23T10:11:12.123456Z

                """)
        #expect(outcome.standardError.isEmpty)
        #expect(outcome.status == .success)
    }

    @Test func `stats are one JSON object for programs`() async throws {
        let outcome = try await CommandRun.admin(["stats", "--json"]) { calls in
            try await calls.received().answer(AdminCommandTests.statistics)
        }
        #expect(
            outcome.output == """
                {"queued":120,"dispatched":100,"canceled":7,"last_updated":"2025-11-23T10:11:12.123456Z",\
                "queue_overview":{"total":6,"high":1,"mid":2,"low":3},"completed":90,"failed":1,"requeued":2,\
                "leased":3,"waiting_submitters":4,"oldest_queued_at":null}

                """)
    }

    @Test func `an overview counts by priority`() async throws {
        let outcome = try await CommandRun.admin(["overview"]) { try await $0.received().answer(Sample.overview) }
        #expect(outcome.output == "high   1\nmid    2\nlow    3\ntotal  6\n")
        let json = try await CommandRun.admin(["overview", "--json"]) {
            try await $0.received().answer(Sample.overview)
        }
        #expect(json.output == #"{"total":6,"high":1,"mid":2,"low":3}"# + "\n")
    }

    private static let summary = TaskSummary(
        record: Sample.record(),
        queuePosition: QueuePosition(priority: .low, positionInPriority: 3, globalPosition: 6),
        overview: Sample.overview)

    @Test func `a task shows where it stands`() async throws {
        let outcome = try await CommandRun.admin(["task", "task-1"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: GetTaskRequest.self).taskID == TaskID("task-1"))
            try await call.answer(AdminCommandTests.summary)
        }
        #expect(
            outcome.output == """
                Task        task-1
                Service     thumbnails
                User        anna
                Priority    low
                Status      queued
                Enqueued    2025-11-23T10:11:12.123456Z
                Updated     2025-11-23T10:11:12.123456Z
                Parameters  {"page": 1}
                Position    3 in low, 6 of 6 in all

                """)
    }

    @Test func `a task is for programs what the REST door says of it`() async throws {
        let outcome = try await CommandRun.admin(["task", "task-1", "--json"]) { calls in
            try await calls.received().answer(AdminCommandTests.summary)
        }
        #expect(
            outcome.output == """
                {"record":\(AdminCommandTests.recordJSON),"queue_position":{"priority":"low",\
                "position_in_priority":3,"global_position":6},"overview":{"total":6,"high":1,"mid":2,"low":3}}

                """)
        let elsewhere = try await CommandRun.admin(["task", "task-1", "--json"]) { calls in
            var summary = AdminCommandTests.summary
            summary.queuePosition = nil
            try await calls.received().answer(summary)
        }
        #expect(elsewhere.output.contains(#","queue_position":null,"overview":"#))
    }

    @Test func `parameters are printed as they are for programs, and on one line for people`() async throws {
        let parameters = "{\n\t\"n\": 12345678901234567890.0,\"a\":[ ],\"e\":\"\\u00e9ü\u{85}\"}"
        let record = Sample.record(parameters: parameters)
        let json = try await CommandRun.admin(["priority", "task-1", "high", "--json"]) { calls in
            try await calls.received().answer(record)
        }
        let escaped = parameters.replacing("\u{85}", with: #"\u0085"#)
        #expect(json.output.contains(#""parameters":\#(escaped),"priority""#))
        let text = try await CommandRun.admin(["priority", "task-1", "high"]) { try await $0.received().answer(record) }
        #expect(
            text.output.contains(#"Parameters  {  "n": 12345678901234567890.0,"a":[ ],"e":"\u00e9ü\u{85}"}"# + "\n"))
    }

    @Test func `what a terminal would obey is escaped for programs, too, and means the same`() async throws {
        let controls = "\u{7F}\u{9B}2J\u{202E}\u{2066}\u{2028}\u{2029}\u{200B}\u{E0001}"
        let record = Sample.record("a\(controls)é", parameters: "{\"\(controls)\":\"ü\"}")
        let page = TaskPage(tasks: [record], nextPageToken: "")
        let outcome = try await CommandRun.admin(["list", "--json"]) { try await $0.received().answer(page) }
        let escaped = #"\u007F\u009B2J\u202E\u2066\u2028\u2029\u200B\uDB40\uDC01"#
        #expect(outcome.output.hasPrefix(#"{"tasks":[{"task_id":"a\#(escaped)é","#), "\(outcome.output)")
        #expect(outcome.output.contains(#""parameters":{"\#(escaped)":"ü"}"#))
        let bytes = Data(outcome.standardOutput.readableBytesView)
        let tasks = try JSONDecoder().decode(ListedTasks.self, from: bytes).tasks
        #expect(tasks.map(\.task_id) == ["a\(controls)é"])
        #expect(tasks.map(\.parameters) == [[controls: "ü"]])
    }

    @Test func `a failed task shows its error in lines, and its result`() async throws {
        var record = Sample.record()
        record.status = .failed
        record.error = "The command exited with status 3:\r\nno space\n\n\u{1B}left\n"
        record.result = ByteBuffer(string: #"{"files": 2}"#)
        let failed = record
        let text = try await CommandRun.admin(["priority", "task-1", "low"]) { try await $0.received().answer(failed) }
        let margin = String(repeating: " ", count: 12)
        let lines = [
            #"Result      {"files": 2}"#, "Error       The command exited with status 3:", margin + "no space", margin,
            margin + #"\u{1B}left"#, "",
        ]
        #expect(text.output.hasSuffix(lines.joined(separator: "\n")), "\(text.output)")
        let json = try await CommandRun.admin(["priority", "task-1", "low", "--json"]) {
            try await $0.received().answer(failed)
        }
        #expect(json.output.contains(#""result":{"files": 2},"error":"The command exited with status 3:\r\nno "#))
    }

    @Test func `an error of several lines is printed in lines, and only the first is the program's`() async throws {
        let outcome = try await CommandRun.admin(["stats"]) { calls in
            let error = RPCError(SchedulerError(.storeUnavailable, "Redis is away:\ndms-admin: done\u{9B}\n"))
            try await calls.received().refuse(error)
        }
        #expect(
            outcome.standardError
                == "dms-admin: STORE_UNAVAILABLE: Redis is away:\n  dms-admin: done\\u{9B}\n")
    }

    @Test func `what a terminal would obey is shown, not done`() async throws {
        let record = Sample.record("\u{1B}[2J\u{202E}red\n")
        let outcome = try await CommandRun.admin(["priority", "x", "low"]) { try await $0.received().answer(record) }
        #expect(outcome.output.hasPrefix(#"Task        \u{1B}[2J\u{202E}red\u{A}"# + "\n"))
    }

    @Test func `a submission is sent as it is given`() async throws {
        let arguments = [
            "submit", "--id", "task-1", "--service", "thumbnails", "--user", "anna", "--parameters", #"{"page": 1}"#,
            "--priority", "mid", "--json",
        ]
        let outcome = try await CommandRun.admin(arguments, environment: ["DMS_OPERATOR_TOKEN": "hush"]) { calls in
            let call = try await calls.received()
            var expected = Sample.submission()
            expected.priority = .mid
            #expect(try call.message(as: TaskSubmission.self) == expected)
            #expect(call.envelope.metadata(MetadataKey.operatorToken) == "hush")
            try await call.answer(Sample.record())
        }
        #expect(outcome.output == AdminCommandTests.recordJSON + "\n")
    }

    @Test func `a submission without an id gets a new one each time`() async throws {
        var ids: Set<String> = []
        for _ in 0..<2 {
            let arguments = ["submit", "--service", "s", "--user", "u", "--json"]
            let outcome = try await CommandRun.admin(arguments) { calls in
                let call = try await calls.received()
                let submission = try call.message(as: TaskSubmission.self)
                #expect(String(buffer: submission.parameters) == "{}")
                #expect(submission.priority == .low)
                try await call.answer(Sample.record(submission.taskID.text))
            }
            ids.insert(outcome.output)
        }
        #expect(ids.count == 2)
    }

    @Test func `an owner cancels by saying who they are`() async throws {
        let arguments = ["cancel", "task-1", "--service", "thumbnails", "--user", "anna"]
        let outcome = try await CommandRun.admin(arguments) { calls in
            let call = try await calls.received()
            let expected = TaskCancellation(taskID: TaskID("task-1"), service: "thumbnails", userID: "anna")
            #expect(try call.message(as: TaskCancellation.self) == expected)
            try await call.answer(Sample.record())
        }
        #expect(outcome.status == .success)
    }

    @Test func `an operator cancels without knowing whose the task is`() async throws {
        let outcome = try await CommandRun.admin(["cancel", "task-1"], environment: ["DMS_OPERATOR_TOKEN": "hush"]) {
            calls in
            let proof = try await calls.received()
            #expect(proof.envelope.method == "GetBlock")
            #expect(proof.envelope.metadata(MetadataKey.operatorToken) == "hush")
            try await proof.answer(BlockState(blocked: false, reason: nil, updatedAt: nil))
            let look = try await calls.received()
            #expect(look.envelope.method == "Get")
            try await look.answer(AdminCommandTests.summary)
            let cancel = try await calls.received()
            let expected = TaskCancellation(taskID: TaskID("task-1"), service: "thumbnails", userID: "anna")
            #expect(try cancel.message(as: TaskCancellation.self) == expected)
            #expect(cancel.envelope.metadata(MetadataKey.operatorToken) == "hush")
            try await cancel.answer(Sample.record())
        }
        #expect(outcome.status == .success)
    }

    @Test(arguments: [
        (
            SchedulerError(.tokenInvalid, "The operator token is wrong"), CommandStatus.refused,
            "dms-admin: TOKEN_INVALID: The operator token is wrong\n"
        ),
        (
            SchedulerError(.tokenNotConfigured, "No operator token is configured"), .usage,
            "dms-admin: The scheduler has no operator token, so cancel needs the task's --service and --user\n"
        ),
    ])
    func `a token that the server does not take looks no owner up`(
        _ refusal: SchedulerError, _ status: CommandStatus, _ text: String
    ) async throws {
        let outcome = try await CommandRun.admin(["cancel", "task-1"], environment: ["DMS_OPERATOR_TOKEN": "hush"]) {
            // Nothing else is answered: a look at the task would wait for its time-out.
            try await $0.received().refuse(RPCError(refusal))
        }
        #expect(outcome.status == status)
        #expect(outcome.standardError == text)
    }

    @Test func `a task is moved to another queue`() async throws {
        let outcome = try await CommandRun.admin(["priority", "task-1", "high"]) { calls in
            let call = try await calls.received()
            #expect(
                try call.message(as: SetPriorityRequest.self)
                    == SetPriorityRequest(taskID: TaskID("task-1"), priority: .high))
            try await call.answer(Sample.record())
        }
        #expect(outcome.status == .success)
    }

    @Test func `blocking and resuming say how things stand`() async throws {
        let blocked = try await CommandRun.admin(["block", "--reason", "until noon"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: BlockRequest.self) == BlockRequest(blocked: true, reason: "until noon"))
            try await call.answer(BlockState(blocked: true, reason: "until noon", updatedAt: Sample.moment))
        }
        #expect(
            blocked.output == "Submissions are blocked since 2025-11-23T10:11:12.123456Z\nReason: until noon\n")
        let resumed = try await CommandRun.admin(["resume", "--json"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: ResumeRequest.self) == ResumeRequest(reason: nil))
            try await call.answer(BlockState(blocked: false, reason: "until \"noon\"", updatedAt: Sample.moment))
        }
        #expect(
            resumed.output == """
                {"blocked":false,"reason":"until \\"noon\\"","updated_at":"2025-11-23T10:11:12.123456Z"}

                """)
        let never = BlockState(blocked: false, reason: nil, updatedAt: nil)
        let text = try await CommandRun.admin(["block-state"]) { try await $0.received().answer(never) }
        #expect(text.output == "Submissions are open\n")
        let json = try await CommandRun.admin(["block-state", "--json"]) { try await $0.received().answer(never) }
        #expect(json.output == #"{"blocked":false,"reason":null}"# + "\n")
    }

    @Test(arguments: [
        (ServingStatus.serving, "SERVING", CommandStatus.success), (.notServing, "NOT_SERVING", .refused),
        (.unknown, "UNKNOWN", .refused), (.serviceUnknown, "SERVICE_UNKNOWN", .refused),
    ])
    func `health is good only while it serves`(_ serving: ServingStatus, _ name: String, _ status: CommandStatus)
        async throws
    {
        let outcome = try await CommandRun.admin(["health", "--service", "dms.v1.Tasks"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: HealthCheckRequest.self).service == "dms.v1.Tasks")
            try await call.answer(HealthCheckResponse(status: serving))
        }
        #expect(outcome.output == name + "\n")
        #expect(outcome.status == status)
    }
}
