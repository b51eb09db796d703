import Foundation
import TestSupport
import Testing

/// `.env` files as people and their editors write them, read by the program.
@Suite struct EnvFileTests {
    private func start(
        _ file: [UInt8], environment: [String: String] = [:]
    ) async throws -> (code: Int32, output: String, errors: String) {
        try await withFolder { folder in
            try Data(file).write(to: URL(filePath: "\(folder)/.env"))
            return try await Program.run("dms-scheduler", [], environment: environment, folder: folder)
        }
    }

    /// The wrong port shows that the line was read, and as what.
    @Test(arguments: [
        "# first\r\nDMS_HTTP_PORT=x-1\r\n", "\u{FEFF}DMS_HTTP_PORT=x-1\n", "\u{FEFF}# first\r\n\r\nDMS_HTTP_PORT=x-1",
        "export DMS_HTTP_PORT=x-1\n", "DMS_HTTP_PORT = x-1\n", "DMS_HTTP_PORT=\"x-1\"\n",
        "DMS_HTTP_PORT='x-1' # comment\r\n",
        "DMS_HTTP_PORT=x-1 # comment\n", "# first\rDMS_HTTP_PORT=x-1\r", "\n\n  DMS_HTTP_PORT=x-1",
        "DMS_HTTP_PORT=8000\nDMS_HTTP_PORT=x-1\n", "DMS_HTTP_PORT=x-1\nCOMPOSE_PROJECT_NAME=${HOME}\n",
    ])
    func `every form of a line is read as dotenv reads it`(_ text: String) async throws {
        let ended = try await start(Array(text.utf8))
        #expect(ended.code == 78)
        #expect(ended.errors == "dms-scheduler: DMS_HTTP_PORT (--http-port): 'x-1' is not a number from 0 to 65535\n")
    }

    @Test(arguments: [
        ("DMS_HTTP_PORT=0\r\nDMS_SUBMITTER_TOKEN\r\n", ".env, line 2 is not of the form NAME=value"),
        ("# c\nDMS_SUBMITTER_TOKEN: secret\n", ".env, line 2 is not of the form NAME=value"),
        ("A=1\n\nDMS_SUBMITTER_TOKEN=\"secret\n", ".env, line 3 opens a quote that is not closed"),
        (
            "A=\"1\nDMS_SUBMITTER_TOKEN=secret\nB=\"\n",
            ".env, line 1 opens a quote that is not closed before DMS_SUBMITTER_TOKEN"
        ),
        ("DMS_SUBMITTER_TOKEN=\"a\" b\n", ".env, line 1 has text behind the closing quote"),
        ("A=1\nREDIS_WRITER_URL=redis://:${PASSWORD}@host\n", ".env, line 2 holds ${"),
        (
            "DMS_SUBMITTER_TOKEN=\"a\\nb\"\n",
            "DMS_SUBMITTER_TOKEN (--submitter-token): the value holds a control character"
        ),
    ])
    func `a line that cannot be read ends the start with its number`(_ text: String, _ problem: String) async throws {
        let ended = try await start(Array(text.utf8))
        #expect(ended.code == 78)
        #expect(ended.errors.contains(problem), "\(ended.errors)")
        #expect(!ended.errors.contains("secret"))
    }

    @Test func `a file that is no UTF-8 ends the start with the line`() async throws {
        let ended = try await start(Array("# c\r\n\r\nDMS_SUBMITTER_TOKEN=".utf8) + [0xFF])
        #expect(ended.code == 78)
        #expect(ended.errors == "dms-scheduler: The file .env is not UTF-8 (line 3)\n")
        let utf16 = try await start(
            [0xFF, 0xFE] + "DMS_HTTP_PORT=0\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        #expect(utf16.code == 78)
        let unmarked = try await start("#\nDMS_HTTP_PORT=0\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        #expect(unmarked.code == 78)
    }

    @Test(arguments: [
        ("mkdir .env", "is a directory"), ("ln -s .env .env", "cannot be read: too many levels of symbolic links"),
        ("ln -s nowhere .env", "cannot be read: no such file or directory"),
        ("head -c 1048577 /dev/zero | tr '\\0' '#' >.env", "has more than 1048576 bytes"),
    ])
    func `a file that cannot be read ends the start with the reason`(_ line: String, _ problem: String) async throws {
        try await withFolder { folder in
            #expect(try await Program.shell(line, folder: folder) == 0)
            let ended = try await Program.run("dms-scheduler", [], folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors == "dms-scheduler: The file .env \(problem)\n")
        }
    }

    @Test func `a file that is named has to be there`() async throws {
        try await withFolder { folder in
            let ended = try await Program.run("dms-scheduler", ["--env-file", "other.env"], folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors.contains("other.env"))
        }
    }

    @Test func `an empty value counts as none, wherever it stands`() async throws {
        let file = Array("DMS_HTTP_PORT=x-1\n".utf8)
        let hidden = try await start(file, environment: ["DMS_HTTP_PORT": ""])
        #expect(hidden.errors.contains("'x-1'"))
        // In the file too, where the last line of a name counts: the default port is right, and the next setting wrong.
        let last = try await start(Array("DMS_HTTP_PORT=x-1\nDMS_HTTP_PORT=\nDMS_RPC_PORT=x-2\n".utf8))
        #expect(last.errors.contains("'x-2'"))
    }

    @Test(arguments: ["a\r", "a\u{1B}", "\u{85}a"])
    func `a control character in the environment ends the start, and what is secret is not shown`(_ value: String)
        async throws
    {
        for name in ["DMS_SUBMITTER_TOKEN", "REDIS_WRITER_URL", "DMS_HTTP_HOST", "DMS_RPC_SOCKET"] {
            let ended = try await start([], environment: [name: value])
            #expect(ended.code == 78)
            #expect(ended.errors.contains(name))
            #expect(ended.errors.dropLast().unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
            let isHidden = name == "DMS_SUBMITTER_TOKEN" || name == "REDIS_WRITER_URL"
            #expect(ended.errors.contains("): the value holds a c") == isHidden, "\(ended.errors)")
        }
    }

    @Test func `bytes that are not UTF-8 are refused, not changed`() async throws {
        try await withFolder { folder in
            for line in [
                #"DMS_SUBMITTER_TOKEN="$(printf 'a\377')" dms-scheduler"#,
                #"dms-scheduler --submitter-token "$(printf 'a\377')""#,
            ] {
                let ended = try await Program.run(
                    "/bin/sh", ["-c", "PATH=\(Program.folder):$PATH; \(line)"], folder: folder)
                #expect(ended.code == 78)
                #expect(ended.errors.contains("DMS_SUBMITTER_TOKEN (--submitter-token): the value is not UTF-8"))
            }
        }
    }

    @Test func `a scheduler whose file was written on Windows asks for its token`() async throws {
        try await withFolder { folder in
            let text = "\u{FEFF}# tokens\r\nexport DMS_SUBMITTER_TOKEN = \"let me in\" # for submitters\r\n"
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/.env"))
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let connection = try await scheduler.connect()
            #expect(try await connection.call("POST", "/submitter/next").status == 403)
            let answer = try await connection.call(
                "POST", "/submitter/next", headers: [("X-DMS-Submitter-Token", "let me in")])
            #expect(answer.status == 204 || answer.status == 200)
            try await connection.close()
            let server = "127.0.0.1:\(scheduler.rpcPort)"
            for (token, code) in [("let me in", Int32(3)), ("", 1)] {
                let next = try await Program.run(
                    "dms-submitter", ["next"], environment: ["DMS_SERVER": server, "DMS_SUBMITTER_TOKEN": token],
                    folder: folder)
                #expect(next.code == code, "\(next.errors)")
            }
            _ = try await scheduler.terminate()
        }
    }
}
