import ArgumentParser
import DMSModel
import DMSWire
import Foundation
import NIOCore
import Testing

@testable import ClientCommands
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
        let error = #expect(throws: (any Error).self) { try CommandRun.parseAdmin(arguments) }
        #expect(error.map { DMSAdmin.message(for: $0).contains(sentence) } == true)
    }

    @Test(arguments: ["-1", "0", "1001", "4294967296"])
    func `how many tasks to fetch, or to do at once, is told with its bounds`(_ count: String) {
        let error = #expect(throws: (any Error).self) { try CommandRun.parseSubmitter(["next", "--max", count]) }
        #expect(error.map { DMSSubmitter.message(for: $0) } == "--max must be from 1 to 1000.")
        let words = ["run", "--concurrency", count, "--", "true"]
        let other = #expect(throws: (any Error).self) { try CommandRun.parseSubmitter(words) }
        #expect(other.map { DMSSubmitter.message(for: $0) } == "--concurrency must be from 1 to 1000.")
    }

    @Test func `who does the tasks may begin with a dash`() throws {
        let run = try CommandRun.parseSubmitter(["run", "--submitter-id", "-node", "--", "true"])
        #expect((run as? RunCommand)?.submitterID == "-node")
    }

    @Test(arguments: [
        ["task", "-hash"], ["task", "--json", "-hash"], ["task", "-hash", "--timeout", "3"], ["task", "--", "-hash"],
    ])
    func `an id may begin with a dash, behind options and before them`(_ arguments: [String]) async throws {
        let outcome = try await CommandRun.admin(arguments) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: GetTaskRequest.self).taskID == TaskID("-hash"))
            try await call.answer(
                TaskSummary(record: Sample.record("-hash"), queuePosition: nil, overview: Sample.overview))
        }
        #expect(outcome.status == .success)
    }

    @Test(arguments: [
        ["priority", "-high", "high"], ["priority", "--json", "-high", "--timeout", "3", "high"],
        ["priority", "-high", "--", "high"],
    ])
    func `values keep their order`(_ arguments: [String]) async throws {
        _ = try await CommandRun.admin(arguments) { calls in
            let call = try await calls.received()
            let expected = SetPriorityRequest(taskID: TaskID("-high"), priority: .high)
            #expect(try call.message(as: SetPriorityRequest.self) == expected)
            try await call.answer(Sample.record("-high"))
        }
    }

    @Test(arguments: [
        ["return", "x", "-tokh", "--reason", "-h"], ["return", "--reason", "-h", "x", "-tokh"],
        ["return", "--reason=-h", "x", "--", "-tokh"], ["return", "--reason", "-h", "--", "x", "-tokh"],
    ])
    func `a token may begin with a dash`(_ arguments: [String]) async throws {
        _ = try await CommandRun.submitter(arguments) { calls in
            let call = try await calls.received()
            let lease = LeaseReference(taskID: TaskID("x"), token: "-tokh")
            #expect(try call.message(as: TaskReturn.self) == TaskReturn(lease: lease, reason: "-h"))
            try await call.answer(Sample.record("x"))
        }
    }

    @Test func `an id that begins with two dashes goes behind the two that end the options`() async throws {
        _ = try await CommandRun.admin(["task", "--json", "--", "--id"]) { calls in
            let call = try await calls.received()
            #expect(try call.message(as: GetTaskRequest.self).taskID == TaskID("--id"))
            try await call.answer(
                TaskSummary(record: Sample.record("--id"), queuePosition: nil, overview: Sample.overview))
        }
    }

    @Test(arguments: [
        ["-h"], ["--help"], ["task", "-h"], ["task", "x", "-h"], ["list", "--limit", "3", "-h"], ["help", "task"],
        ["task", "--json", "-h"], ["task", "-h", "--json"],
    ])
    func `help is asked for by words of its own`(_ arguments: [String]) throws {
        #expect(try isHelp { try CommandRun.parseAdmin(arguments) })
    }

    @Test(arguments: [
        ["-hash"], ["-help"], ["stats", "-hash"], ["list", "-jh"], ["task", "x", "-hash"], ["-hash", "task"],
        ["task", "---h"], ["list", "--limit", "-h"], ["task", "--unknown", "-h", "x"],
    ])
    func `help is not found inside of other words`(_ arguments: [String]) throws {
        #expect(try !isHelp { try CommandRun.parseAdmin(arguments) })
        let error = #expect(throws: (any Error).self) { try CommandRun.parseAdmin(arguments) }
        #expect(error.map { DMSAdmin.exitCode(for: $0).rawValue } == 64)
    }

    @Test func `the words of a command that is run are left as they are`() throws {
        let arguments = ["run", "--concurrency", "4", "--", "sh", "-h", "--help", "--", "-x"]
        let command = try #require(try CommandRun.parseSubmitter(arguments) as? RunCommand)
        #expect(command.command == ["sh", "-h", "--help", "--", "-x"])
        #expect(command.concurrency == 4)
        #expect(try isHelp { try CommandRun.parseSubmitter(["run", "-h", "--", "sh"]) })
        for wrong in [
            ["run", "-x", "--", "sh"], ["run", "sh", "-x"], ["run", "sh", "--", "sh"], ["run", "-hx", "--", "sh"],
        ] {
            #expect(throws: (any Error).self) { try CommandRun.parseSubmitter(wrong) }
        }
    }

    /// The library has a command of its own for help, which it may also throw.
    private func isHelp(_ parse: () throws -> any ParsableCommand) throws -> Bool {
        do {
            return "\(type(of: try parse()))" == "HelpCommand"
        } catch {
            return DMSAdmin.exitCode(for: error) == .success
        }
    }

    @Test func `options without a value are known as such, and none has one letter`() throws {
        var flags: Set<String> = []
        for program in [DMSAdmin._dumpHelp(), DMSSubmitter._dumpHelp()] {
            let dump = try JSONDecoder().decode(HelpDump.self, from: Data(program.utf8))
            for command in [dump.command] + (dump.command.subcommands ?? []) {
                for argument in command.arguments ?? [] {
                    let names = argument.names ?? []
                    for name in names where name.kind == "short" { #expect(name.name == "h") }
                    guard argument.kind == "flag" else { continue }
                    flags.formUnion(names.filter { $0.kind == "long" }.map { "--" + $0.name })
                }
            }
        }
        #expect(flags == CommandWords.flags)
    }
}

/// What the library says of a program's commands.
private struct HelpDump: Decodable {
    struct Command: Decodable {
        var subcommands: [Command]?
        var arguments: [Argument]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String
        }

        var kind: String
        var names: [Name]?
    }

    var command: Command
}
