import ArgumentParser
import ClientCommands
import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import dms_admin
@testable import dms_submitter

/// Words of a command line that begin with a dash, and are no options.
@Suite(.timeLimit(.minutes(1))) struct DashTests {
    @Test func `a submission's names may begin with a dash`() async throws {
        let arguments = ["submit", "--id", "-neg", "--service", "-s", "--user", "--u", "--parameters", "{}"]
        let outcome = try await CommandRun.admin(arguments) { calls in
            let call = try await calls.received()
            #expect(
                try call.message(as: TaskSubmission.self)
                    == TaskSubmission(
                        taskID: TaskID("-neg"), service: "-s", userID: "--u", parameters: ByteBuffer(string: "{}")))
            try await call.answer(Sample.record("-neg"))
        }
        #expect(outcome.status == .success)
    }

    @Test func `a reason, a filter and a cursor may begin with a dash`() async throws {
        _ = try await CommandRun.admin(["block", "--reason", "-h"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: BlockRequest.self) == BlockRequest(blocked: true, reason: "-h"))
            try await call.answer(BlockState(blocked: true, reason: "-h", updatedAt: nil))
        }
        _ = try await CommandRun.admin(["list", "--cursor", "-16h", "--service", "-s", "--user", "--json"]) { calls in
            let call = try await calls.received()
            #expect(
                try call.message(as: TaskQuery.self)
                    == TaskQuery(pageSize: 100, pageToken: "-16h", service: "-s", userID: "--json"))
            try await call.answer(TaskPage(tasks: [], nextPageToken: ""))
        }
    }

    @Test func `what came of a task may begin with a dash`() async throws {
        let endings: [(arguments: [String], sent: TaskFinish)] = [
            (
                ["--result", "-5"],
                TaskFinish(
                    lease: LeaseReference(taskID: TaskID("x"), token: "t"), succeeded: true,
                    result: ByteBuffer(string: "-5"))
            ),
            (
                ["--error", "- no space"],
                TaskFinish(
                    lease: LeaseReference(taskID: TaskID("x"), token: "t"), succeeded: false, error: "- no space")
            ),
        ]
        for (arguments, sent) in endings {
            let outcome = try await CommandRun.submitter(["finish", "x", "t"] + arguments) { calls in
                let call = try await calls.received()
                #expect(try call.message(as: TaskFinish.self) == sent)
                try await call.answer(Sample.record("x"))
            }
            #expect(outcome.status == .success)
        }
    }

    @Test(arguments: [
        (["list", "--limit", "-1"], "--limit has to be 1 or more"),
        (["list", "--status", "-x"], "The value '-x' is invalid for '--status <status>'"),
        (["stats", "--timeout", "-1"], "a number of seconds above 0 and up to 86400 is expected"),
        (["stats", "--server", "-x:0"], "the port must be a number from 1 to 65535"),
    ])
    func `a value that is wrong is told as wrong, not as missing`(_ arguments: [String], _ sentence: String) {
        let error = #expect(throws: (any Error).self) { try DMSAdmin.parseAsRoot(arguments) }
        #expect(error.map { DMSAdmin.message(for: $0).contains(sentence) } == true)
    }

    @Test(arguments: ["-1", "0", "1001", "4294967296"])
    func `how many tasks to fetch is told with its bounds`(_ count: String) {
        let error = #expect(throws: (any Error).self) { try DMSSubmitter.parseAsRoot(["next", "--max", count]) }
        #expect(error.map { DMSSubmitter.message(for: $0) } == "--max must be from 1 to 1000.")
    }
}
