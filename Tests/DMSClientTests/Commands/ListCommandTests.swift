import ClientCommands
import DMSClient
import DMSModel
import DMSWire
import NIOCore
import Testing

/// What listing asks for, page by page, and prints.
@Suite(.timeLimit(.minutes(1))) struct ListCommandTests {
    private static func page(_ ids: [String], next: String = "") -> TaskPage {
        TaskPage(tasks: ids.map { Sample.record($0) }, nextPageToken: next)
    }

    @Test func `a list is asked for with its filters and printed a task a line`() async throws {
        let outcome = try await CommandRun.admin([
            "list", "--status", "queued", "--status", "failed", "--priority", "high", "--service", "copy", "--user",
            "ada",
            "--newest-first", "--cursor", "here",
        ]) { calls in
            let call = try await calls.received()
            let query = try call.message(as: TaskQuery.self)
            #expect(
                query
                    == TaskQuery(
                        pageSize: 100, pageToken: "here", statuses: [.queued, .failed], priorities: [.high],
                        service: "copy", userID: "ada", newestFirst: true))
            try await call.answer(ListCommandTests.page(["task-1", "t\u{1B}"]))
        }
        #expect(
            outcome.output == """
                TASK     STATUS  PRIORITY  ENQUEUED                     SERVICE     USER
                task-1   queued  low       2025-11-23T10:11:12.123456Z  thumbnails  anna
                t\\u{1B}  queued  low       2025-11-23T10:11:12.123456Z  thumbnails  anna

                """)
        #expect(outcome.status == .success)
    }

    @Test func `pages are fetched until there are as many tasks as are wanted`() async throws {
        let outcome = try await CommandRun.admin(["list", "--limit", "3", "--json"]) { calls in
            for (size, token, page) in [
                (UInt32(3), "", ListCommandTests.page(["a"], next: "x")),
                (2, "x", ListCommandTests.page([], next: "y")),
                (2, "y", ListCommandTests.page(["b", "c"], next: "z")),
            ] {
                let call = try await calls.received()
                let query = try call.message(as: TaskQuery.self)
                #expect(query == TaskQuery(pageSize: size, pageToken: token))
                try await call.answer(page)
            }
        }
        #expect(outcome.output.matches(of: /"task_id":"(.)"/).map { String($0.1) } == ["a", "b", "c"])
        #expect(outcome.output.hasSuffix(#"],"next_cursor":"z"}"# + "\n"))
    }

    @Test(arguments: [
        ("16h-_A", "16h-_A"), ("-16h", "-16h"), ("a b", "'a b'"), ("$(x)'y", #"'$(x)'\''y'"#),
        ("\u{1B}[2J", #"'\u{1B}[2J'"#),
    ])
    func `the cursor that is printed may be copied to a shell`(_ cursor: String, _ printed: String) async throws {
        let outcome = try await CommandRun.admin(["list", "--limit", "1"]) { calls in
            try await calls.received().answer(ListCommandTests.page(["a"], next: cursor))
        }
        #expect(outcome.output.hasSuffix("\nThere may be more: --cursor \(printed)\n"))
    }

    @Test func `a limit is 1 or more`() async {
        await #expect(throws: (any Error).self) { _ = try await CommandRun.offline(["list", "--limit", "0"]) }
    }

    @Test func `all tasks of a query come one after the other, also over pages that are empty`() async throws {
        try await withServer { server, client in
            async let served: Void = {
                var calls = server.makeCallIterator()
                for (token, page) in [
                    ("start", ListCommandTests.page(["a", "b"], next: "x")),
                    ("x", ListCommandTests.page([], next: "y")),
                    ("y", ListCommandTests.page(["c"])),
                ] {
                    let call = try await calls.received()
                    let query = try call.message(as: TaskQuery.self)
                    #expect(query == TaskQuery(pageSize: 2, pageToken: token, service: "copy"))
                    try await call.answer(page)
                }
            }()
            var ids: [String] = []
            for try await task in client.tasks.all(TaskQuery(pageSize: 2, pageToken: "start", service: "copy")) {
                ids.append(task.taskID.text)
            }
            #expect(ids == ["a", "b", "c"])
            try await served
        }
    }

    @Test func `a page that fails ends the tasks with its error`() async throws {
        try await withServer { server, client in
            async let served: Void = {
                var calls = server.makeCallIterator()
                try await calls.received().answer(ListCommandTests.page(["a"], next: "x"))
                let refusal = RPCError(SchedulerError(.storeUnavailable, "away", retryAfter: .seconds(1)))
                try await calls.received().refuse(refusal)
            }()
            var iterator = client.tasks.all().makeAsyncIterator()
            let first = try await iterator.next()
            #expect(first?.taskID.text == "a")
            let second = await outcome { _ = try await iterator.next() }
            #expect(second.error != nil)
            try await served
        }
    }
}
