import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct TokenTests {
    private func write(_ text: String, _ folder: String) throws {
        try text.write(toFile: "\(folder)/tokens", atomically: true, encoding: .utf8)
    }

    private func status(_ scheduler: SchedulerProcess, _ token: String) async throws -> Int {
        let connection = try await scheduler.connect()
        let answer = try await connection.call("GET", "/admin/block", headers: [("X-DMS-Operator-Token", token)])
        try await connection.close()
        return answer.status
    }

    @Test func `tokens of a file change without a restart, and stay where the file is emptied or gone`() async throws {
        try await withFolder { folder in
            try write("old\n", folder)
            let scheduler = try await SchedulerProcess.start(
                folder: folder, environment: ["DMS_OPERATOR_TOKEN": "", "DMS_OPERATOR_TOKEN_FILE": "tokens"])
            #expect(try await status(scheduler, "old") == 200)
            #expect(try await status(scheduler, "new") == 403)

            try write("  new\n\nold\t\n", folder)
            try await eventually { try await status(scheduler, "new") == 200 }
            #expect(try await status(scheduler, "old") == 200)
            // The programs take the first of the file's tokens.
            let admin = try await Program.run(
                "dms-admin", ["block-state", "--token-file", "tokens"],
                environment: ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"], folder: folder)
            #expect(admin.code == 0, "\(admin.errors)")

            try write("new\n", folder)
            scheduler.program.signal(SIGHUP)
            try await eventually { try await status(scheduler, "old") == 403 }

            try write("\n", folder)
            try await eventually { scheduler.program.errors.contains("the earlier tokens stay in use") }
            #expect(try await status(scheduler, "new") == 200)
            try FileManager.default.removeItem(atPath: "\(folder)/tokens")
            scheduler.program.signal(SIGHUP)
            try await eventually { scheduler.program.errors.contains("there is no file 'tokens'") }
            #expect(try await status(scheduler, "new") == 200)
            #expect(scheduler.program.errors.contains("A wrong token was sent"))
            for token in ["old", "new"] { #expect(!scheduler.program.errors.contains(" \(token)")) }
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }

    @Test func `a cancel with a wrong token is an error, whatever it names`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let task = #"{"task_id":"t","service":"s","user_id":"u","parameters":{}}"#
            #expect(try await scheduler.http("POST", "/tasks", task).status == 201)
            func cancel(_ token: String?, _ options: [String] = []) async throws -> (code: Int32, errors: String) {
                var environment = ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"]
                environment["DMS_OPERATOR_TOKEN"] = token
                let result = try await Program.run(
                    "dms-admin", ["cancel", "t"] + options, environment: environment, folder: folder)
                return (result.code, result.errors)
            }
            for options in [[], ["--service", "s", "--user", "u"]] {
                let wrong = try await cancel("guess", options)
                #expect(wrong.code == 1)
                #expect(
                    wrong.errors == "dms-admin: TOKEN_INVALID: The operator token in X-DMS-Operator-Token is wrong\n")
            }
            let none = try await cancel(nil)
            #expect(none.code == 64)
            #expect(try await scheduler.http("GET", "/tasks/t").text.contains(#""status":"queued""#))
            let right = try await cancel(SchedulerProcess.token)
            #expect(right.code == 0, "\(right.errors)")
            #expect(try await scheduler.http("GET", "/tasks/t").text.contains(#""status":"canceled""#))
            _ = try await scheduler.terminate()
        }
    }

    @Test func `where the scheduler has no operator token, a cancel needs the owner`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder, environment: ["DMS_OPERATOR_TOKEN": ""])
            let task = #"{"task_id":"t","service":"s","user_id":"u","parameters":{}}"#
            #expect(try await scheduler.http("POST", "/tasks", task).status == 201)
            let unnamed = try await scheduler.run("dms-admin", "cancel", "t")
            #expect(unnamed.code == 64)
            #expect(unnamed.errors.contains("has no operator token, so cancel needs the task's --service and --user"))
            #expect(try await scheduler.http("GET", "/tasks/t").text.contains(#""status":"queued""#))
            let named = try await scheduler.run("dms-admin", "cancel", "t", "--service", "s", "--user", "u")
            #expect(named.code == 0, "\(named.errors)")
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a token file may have a byte order mark and CRLF, for the scheduler and for its clients`() async throws
    {
        try await withFolder { folder in
            try write("\u{FEFF}first\r\n\r\nsecond\r\n", folder)
            let scheduler = try await SchedulerProcess.start(
                folder: folder, environment: ["DMS_OPERATOR_TOKEN": "", "DMS_OPERATOR_TOKEN_FILE": "tokens"])
            for token in ["first", "second"] { #expect(try await status(scheduler, token) == 200) }
            for token in ["\u{FEFF}first", "third"] { #expect(try await status(scheduler, token) == 403) }
            let admin = try await Program.run(
                "dms-admin", ["block-state", "--token-file", "tokens"],
                environment: ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"], folder: folder)
            #expect(admin.code == 0, "\(admin.errors)")
            try write("\u{FEFF}third\r\n", folder)
            try await eventually { try await status(scheduler, "third") == 200 }
            _ = try await scheduler.terminate()
        }
    }

    @Test(arguments: [
        ("mkdir tokens", "is a directory"), ("printf 'a\\nb\\377\\n' >tokens", "is not UTF-8 (line 2)"),
        ("printf 'a\\001b\\n' >tokens", "holds a control character"),
        ("printf '\\357\\273\\277\\r\\n' >tokens", "is empty"),
        ("true", "there is no file 'tokens'"),
    ])
    func `a token file that cannot be used ends the program with 78`(_ line: String, _ problem: String) async throws {
        try await withFolder { folder in
            #expect(try await Program.shell(line, folder: folder) == 0)
            let ended = try await Program.run(
                "dms-scheduler", [], environment: ["DMS_SUBMITTER_TOKEN_FILE": "tokens"], folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors.contains("DMS_SUBMITTER_TOKEN_FILE"))
            #expect(ended.errors.contains(problem), "\(ended.errors)")
        }
    }

    @Test func `the environment may hold the token before, too`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(
                folder: folder, environment: ["DMS_OPERATOR_TOKEN_PREVIOUS": "before"])
            for token in [SchedulerProcess.token, "before"] { #expect(try await status(scheduler, token) == 200) }
            #expect(try await status(scheduler, "other") == 403)
            _ = try await scheduler.terminate()
        }
    }

    @Test(arguments: [
        (["DMS_OPERATOR_TOKEN_PREVIOUS": "x"], "DMS_OPERATOR_TOKEN_PREVIOUS", "needs DMS_OPERATOR_TOKEN"),
        (["DMS_SUBMITTER_TOKEN_PREVIOUS": "x"], "DMS_SUBMITTER_TOKEN_PREVIOUS", "needs DMS_SUBMITTER_TOKEN"),
        (
            ["DMS_SUBMITTER_TOKEN": "x", "DMS_SUBMITTER_TOKEN_FILE": "tokens"], "DMS_SUBMITTER_TOKEN_FILE",
            "only one of"
        ),
        (["DMS_OPERATOR_TOKEN_FILE": "tokens"], "DMS_OPERATOR_TOKEN_FILE", "more than 16 tokens"),
        (["DMS_OPERATOR_TOKEN": "x "], "DMS_OPERATOR_TOKEN", "begins or ends with white space"),
    ])
    func `tokens that contradict each other end the program with 78`(
        _ settings: [String: String], _ name: String, _ problem: String
    ) async throws {
        try await withFolder { folder in
            try write((0..<17).map { "t\($0)\n" }.joined(), folder)
            let result = try await Program.run("dms-scheduler", [], environment: settings, folder: folder)
            #expect(result.code == 78)
            #expect(result.errors.contains(name))
            #expect(result.errors.contains(problem))
        }
    }
}
