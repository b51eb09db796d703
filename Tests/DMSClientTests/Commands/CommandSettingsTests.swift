import ArgumentParser
import ClientCommands
import DMSModel
import DMSWire
import Foundation
import NIOCore
import Testing

@testable import dms_admin

/// How commands are parsed, where their settings come from, and how they end when something is wrong.
@Suite(.timeLimit(.minutes(1))) struct CommandSettingsTests {
    /// Makes a file for the time of a test.
    private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        let path = "/tmp/dms-client-\(UUID().uuidString)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func tokenSent(_ arguments: [String], _ environment: [String: String]) async throws -> String? {
        let sent = SentToken()
        _ = try await CommandRun.admin(arguments, environment: environment) { calls in
            let call = try await calls.received()
            await sent.set(call.envelope.metadata(MetadataKey.operatorToken))
            try await call.answer(BlockState(blocked: false, reason: nil, updatedAt: nil))
        }
        return await sent.value
    }

    @Test func `the token is in the environment, or in a file that the flag or the environment names`() async throws {
        try await withFile("  from file\n") { path in
            let both = ["DMS_OPERATOR_TOKEN": "env", "DMS_OPERATOR_TOKEN_FILE": "/nowhere"]
            let cases: [(arguments: [String], environment: [String: String], token: String?)] = [
                ([], [:], nil), ([], ["DMS_OPERATOR_TOKEN": ""], nil), ([], ["DMS_OPERATOR_TOKEN": "env"], "env"),
                ([], ["DMS_OPERATOR_TOKEN_FILE": path], "from file"), ([], both, "env"),
                (["--token-file", path], ["DMS_OPERATOR_TOKEN": "env"], "from file"),
            ]
            for (arguments, environment, token) in cases {
                let sent = try await tokenSent(["block-state"] + arguments, environment)
                #expect(sent == token)
            }
        }
    }

    @Test func `a token file that cannot be used is a clear error`() async throws {
        let missing = try await CommandRun.offline(["stats", "--token-file", "/nowhere/token"])
        #expect(missing.status == .usage)
        #expect(missing.standardError == "dms-admin: The file /nowhere/token cannot be read: there is no such file\n")
        try await withFile(" \n") { path in
            let empty = try await CommandRun.offline(["stats", "--token-file", path])
            #expect(empty.status == .usage)
            #expect(empty.standardError == "dms-admin: The token file \(path) is empty\n")
        }
        try await withFile(String(repeating: "x", count: 4097)) { path in
            let long = try await CommandRun.offline(["stats", "--token-file", path])
            #expect(long.standardError == "dms-admin: \(path) holds more than the 4096 bytes that are taken\n")
        }
        let folder = try await CommandRun.offline(["stats", "--token-file", "/tmp"])
        #expect(folder.status == .usage)
    }

    @Test func `the flag goes before the environment's server`() async throws {
        let outcome = try await CommandRun.offline(
            ["stats", "--server", "unix:///nowhere/flag.sock"],
            environment: ["DMS_SERVER": "unix:///nowhere/environment.sock"])
        #expect(outcome.status == .unreachable)
        #expect(
            outcome.standardError == """
                dms-admin: The scheduler at unix:///nowhere/flag.sock cannot be reached: no such file or directory

                """)
        let wrong = try await CommandRun.offline(["stats"], environment: ["DMS_SERVER": "host:port"])
        #expect(wrong.status == .usage)
        #expect(
            wrong.standardError == """
                dms-admin: DMS_SERVER: 'host:port' is no server address: the port must be a number from 1 to 65535

                """)
    }

    @Test func `parameters come from a file, byte for byte`() async throws {
        let text = "{\"a\":\t[1.50, \"é\"] }\n"
        try await withFile(text) { path in
            let arguments = ["submit", "--service", "s", "--user", "u", "--parameters", "@" + path]
            _ = try await CommandRun.admin(arguments) { calls in
                let call = try await calls.received()
                let sent = try call.message(as: TaskSubmission.self).parameters
                #expect(String(buffer: sent) == text)
                try await call.answer(Sample.record())
            }
        }
    }

    @Test func `a refusal is told with its reason`() async throws {
        let outcome = try await CommandRun.admin(["task", "x"]) { calls in
            let error = SchedulerError(.taskNotFound, "There is no task 'x\u{1B}'")
            try await calls.received().refuse(RPCError(error))
        }
        #expect(outcome.status == .refused)
        #expect(outcome.standardOutput.readableBytes == 0)
        #expect(outcome.standardError == #"dms-admin: TASK_NOT_FOUND: There is no task 'x\u{1B}'"# + "\n")
    }

    @Test func `what is not answered, and what is no scheduler, have exit statuses of their own`() async throws {
        let silent = try await CommandRun.admin(["block", "--timeout", "0.5"]) { _ = try await $0.received() }
        #expect(silent.status == .noAnswer)
        #expect(silent.standardError.hasSuffix("whether the call was done is not known\n"))
        let lost = try await CommandRun.admin(["block"]) { try await $0.received().closeConnection() }
        #expect(lost.status == .noAnswer)
        let stranger = try await CommandRun.admin(["stats"]) { calls in
            for _ in 0..<2 { try await calls.received().sendRaw(ByteBuffer(string: "SSH-2.0-OpenSSH\r\n")) }
        }
        #expect(stranger.status == .protocolViolation)
    }

    @Test func `an operator's cancel without a token asks for the owner, not for the server`() async throws {
        let outcome = try await CommandRun.offline(["cancel", "x", "--server", "unix:///nowhere/s.sock"])
        #expect(outcome.status == .usage)
        #expect(
            outcome.standardError
                == "dms-admin: Without the operator token, cancel needs the task's --service and --user\n")
    }

    @Test(arguments: [
        ["task"], ["priority", "x"], ["priority", "x", "urgent"], ["submit", "--service", "s"], ["cancel"],
        ["cancel", "x", "--user", "u"], ["stats", "--timeout", "0"], ["stats", "--timeout", "nan"],
        ["stats", "--timeout", "86401"], ["stats", "--server", "a:b"], ["stats", "--token", "hush"],
        ["stats", "extra"],
    ])
    func `a command line that is wrong is a usage error`(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try CommandRun.parseAdmin(arguments) }
        #expect(error.map { DMSAdmin.exitCode(for: $0).rawValue } == 64)
    }

    @Test func `every command has a help that shows its options`() throws {
        for command in DMSAdmin.configuration.subcommands {
            let help = DMSAdmin.helpMessage(for: command, columns: 100)
            #expect(help.contains("--server <addresses>"))
            #expect(help.contains("--json"))
        }
    }
}

/// Carries a token out of the server of a test.
private actor SentToken {
    private(set) var value: String?

    func set(_ token: String?) { value = token }
}
