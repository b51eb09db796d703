import ArgumentParser
import ClientCommands
import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import dms_submitter

/// What `dms-submitter` asks for and prints.
@Suite(.timeLimit(.minutes(1))) struct SubmitterCommandTests {
    @Test func `next fetches as many tasks as were asked for, and says who fetches`() async throws {
        let arguments = ["next", "--max", "7", "--submitter-id", "worker-7"]
        let environment = ["DMS_SUBMITTER_TOKEN": "hush", "DMS_OPERATOR_TOKEN": "not this one"]
        let outcome = try await CommandRun.submitter(arguments, environment: environment) { calls in
            let call = try await calls.received()
            var request = try call.message(as: NextRequest.self)
            #expect(!request.requestID.isEmpty)
            request.requestID = ""
            #expect(request == NextRequest(maxTasks: 7, submitterID: "worker-7"))
            #expect(call.envelope.metadata == [MetadataEntry(key: MetadataKey.submitterToken, value: "hush")])
            try await call.answer(NextAnswer(tasks: [Sample.record("a"), Sample.record("b")]))
        }
        #expect(outcome.status == .success)
        let blocks = outcome.output.split(separator: "\n\n")
        #expect(blocks.count == 2)
        #expect(blocks.first?.hasPrefix("Task        a\n") == true)
        #expect(blocks.last?.hasPrefix("Task        b\n") == true)
    }

    @Test func `tasks are one JSON object for programs`() async throws {
        let outcome = try await CommandRun.submitter(["next", "--json"]) { calls in
            try await calls.received().answer(NextAnswer(tasks: [Sample.record("a"), Sample.record("b")]))
        }
        #expect(outcome.output.hasPrefix(#"{"tasks":[{"record":{"task_id":"a","#))
        #expect(outcome.output.contains(#""}},{"record":{"task_id":"b","#))
        #expect(outcome.output.hasSuffix("\"}}]}\n"))
    }

    @Test func `no task has an exit status of its own, and nothing is printed`() async throws {
        let outcome = try await CommandRun.submitter(["next"]) { try await $0.received().answer(NextAnswer(tasks: [])) }
        #expect(outcome.status == .noTask)
        #expect(outcome.standardOutput.readableBytes == 0)
        #expect(outcome.standardError.isEmpty)
        let json = try await CommandRun.submitter(["next", "--json"]) {
            try await $0.received().answer(NextAnswer(tasks: []))
        }
        #expect(json.output == #"{"tasks":[]}"# + "\n")
        #expect(json.status == .noTask)
    }

    @Test(arguments: ["0", "1001", "-1", "many", "4294967296"])
    func `how many tasks to fetch is checked before anything is asked`(_ count: String) {
        #expect(throws: (any Error).self) { try CommandRun.parseSubmitter(["next", "--max", count]) }
    }

    @Test(arguments: ["", "@/dev/null"])
    func `an empty result is refused before the task is ended by it`(_ result: String) async throws {
        let arguments = ["finish", "x", "t", "--result", result, "--server", "unix:///nowhere/s.sock"]
        let command = try #require(try CommandRun.parseSubmitter(arguments) as? any ClientCommand)
        let outcome = await command.execute(environment: [:])
        #expect(outcome.status == .usage)
        #expect(outcome.standardError.hasPrefix("dms-submitter: The result is empty, which is no JSON;"))
    }

    @Test func `a task may be finished without a result`() async throws {
        let outcome = try await CommandRun.submitter(["finish", "x", "t"]) { calls in
            let call = try await calls.received()
            let finish = try call.message(as: TaskFinish.self)
            #expect(finish.succeeded)
            #expect(finish.result.readableBytes == 0)
            try await call.answer(Sample.record("x"))
        }
        #expect(outcome.status == .success)
    }

    @Test(arguments: [
        (["--failed"], "", ""), (["--failed", "--result", "[2]"], "", "[2]"),
        (["--error", "no space", "--result", "[2]"], "no space", "[2]"),
        (["--failed", "--error", "no space"], "no space", ""),
    ])
    func `a task that failed may have a result, too`(
        _ options: [String], _ error: String, _ result: String
    ) async throws {
        let outcome = try await CommandRun.submitter(["finish", "x", "t"] + options + ["--json"]) { calls in
            let call = try await calls.received()
            let lease = LeaseReference(taskID: TaskID("x"), token: "t")
            let expected = TaskFinish(
                lease: lease, succeeded: false, result: ByteBuffer(string: result), error: error)
            #expect(try call.message(as: TaskFinish.self) == expected)
            var record = Sample.record("x")
            record.status = .failed
            record.error = error
            record.result = result.isEmpty ? nil : ByteBuffer(string: result)
            try await call.answer(record)
        }
        #expect(outcome.status == .success)
        let shown = result.isEmpty ? "" : #","result":\#(result)"#
        #expect(outcome.output.hasSuffix(#"Z"\#(shown),"error":"\#(error)"}"# + "\n"), "\(outcome.output)")
    }

    @Test(arguments: [
        (["next", "--lease", "25h"], "a time from 1s to 24h is expected"),
        (["next", "--lease", "999ms"], "a time from 1s to 24h is expected"),
        (["next", "--lease", "-1"], "a time from 1s to 24h is expected"),
        (["renew", "x", "t", "--lease", "25h"], "a time from 1s to 24h is expected"),
        (["run", "--lease", "25h", "--", "true"], "a time from 1s to 24h is expected"),
        (["run", "--lease", "-1", "--", "true"], "a time from 1s to 24h is expected"),
        (["run", "--grace", "-1s", "--", "true"], "a time of at most 24h is expected"),
        (["run", "--grace", "25h", "--", "true"], "a time of at most 24h is expected"),
        (["next", "--wait", "abc"], "a time of at most 10m is expected"),
        (["next", "--wait", "601"], "a time of at most 10m is expected"),
    ])
    func `a time that is wrong is told with form and bounds`(_ arguments: [String], _ bounds: String) {
        let error = #expect(throws: (any Error).self) { try CommandRun.parseSubmitter(arguments) }
        #expect(error.map { DMSSubmitter.exitCode(for: $0).rawValue } == 64)
        let message = error.map { DMSSubmitter.message(for: $0) } ?? ""
        #expect(message.contains(bounds + ", such as 1500ms, 30s, 5m or 1h; a bare number is seconds"), "\(message)")
    }

    @Test(arguments: [("1s", 1000), ("24h", 86_400_000), ("90", 90_000)])
    func `times at the bounds are taken`(_ time: String, _ milliseconds: UInt32) throws {
        let next = try #require(try CommandRun.parseSubmitter(["next", "--lease", time]) as? NextCommand)
        #expect(next.lease?.milliseconds == milliseconds)
        let renew = try #require(try CommandRun.parseSubmitter(["renew", "x", "t", "--lease", time]) as? RenewCommand)
        #expect(renew.time?.milliseconds == milliseconds)
        let run = try #require(
            try CommandRun.parseSubmitter(["run", "--lease", time, "--grace", time, "--", "true"]) as? RunCommand)
        #expect([run.lease?.milliseconds, run.grace?.milliseconds] == [milliseconds, milliseconds])
        let waiting = try #require(try CommandRun.parseSubmitter(["next", "--wait", "10m"]) as? NextCommand)
        #expect(waiting.wait?.milliseconds == 600_000)
    }
}
