import Foundation
import TestSupport
import Testing

@Suite struct SettingsTests {
    @Test(arguments: [
        ["DMS_HTTP_PORT": "eighty"], ["DMS_HTTP_PORT": "65536"], ["DMS_RPC_PORT": "-1"], ["DMS_EVENT_LOOPS": "0"],
        ["LOG_LEVEL": "loud"], ["DMS_LOG_FORMAT": "xml"], ["REDIS_WRITER_URL": "http://localhost"],
        ["REDIS_READER_URL": "redis://localhost"], ["DMS_OPERATOR_TOKEN_FILE": "/nowhere/at/all"],
        ["DMS_KEY_PREFIX": "a b"], ["DMS_KEY_PREFIX": "dms:task"], ["DMS_KEY_PREFIX": "dms:answer:1:a"],
        ["DMS_MAX_QUEUED": "-1"], ["DMS_RPC_CONNECTIONS_MAX": "0"],
        ["DMS_HTTP_CONNECTIONS_MAX": "1000001"], ["DMS_CONNECTIONS_PER_ADDRESS_MAX": "-1"],
        ["DMS_REQUESTS_PER_SECOND_MAX": "many"], ["DMS_FIRST_REQUEST_SECONDS": "0"], ["DMS_REQUEST_SECONDS": "86401"],
        ["DMS_UNREAD_SECONDS": "0.5"], ["DMS_HTTP_IDLE_SECONDS": "0"], ["DMS_RPC_IDLE_SECONDS": "-1"],
        ["DMS_HTTP_HOSTS": "http://dms.example.org"], ["DMS_HTTP_HOSTS": "a,b:80"], ["DMS_HTTP_HOSTS": "a b"],
        ["DMS_REDIS_MIN_REPLICAS": "-1"], ["DMS_REDIS_MIN_REPLICAS": "1"],
        ["DMS_REDIS_WAIT_MS": "0"], ["DMS_REDIS_EVICTION": "allow"], ["REDIS_WRITER_URL": "redis+sentinel://localhost"],
        ["REDIS_WRITER_URL": "redis+sentinel://localhost/m?role=replica"],
        ["REDIS_WRITER_URL": "rediss://localhost?ca_file=/nowhere"],
    ])
    func `a wrong value ends the program with 78 and names the setting`(_ variables: [String: String]) async throws {
        try await withFolder { folder in
            let name = variables.keys.first ?? ""
            let byEnvironment = try await Program.run("dms-scheduler", [], environment: variables, folder: folder)
            #expect(byEnvironment.code == 78)
            #expect(byEnvironment.errors.contains(name))
            let text = variables.map { "\($0.key)=\($0.value)\n" }.joined()
            try text.write(toFile: "\(folder)/.env", atomically: true, encoding: .utf8)
            let byFile = try await Program.run("dms-scheduler", [], folder: folder)
            #expect(byFile.code == 78)
            #expect(byFile.errors == byEnvironment.errors)
        }
    }

    @Test func `a prefix without a hash tag ends the program where Redis is a cluster`() async throws {
        try await withFolder { folder in
            let ended = try await Program.run(
                "dms-scheduler", [], environment: ["REDIS_WRITER_URL": "redis+cluster://localhost"], folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors.contains("DMS_KEY_PREFIX"))
            #expect(ended.errors.contains("hash tag"))
        }
    }

    @Test func `a reader of another database than the writer's ends the program, since it would never have a task`()
        async throws
    {
        try await withFolder { folder in
            let ended = try await Program.run(
                "dms-scheduler", [],
                environment: ["REDIS_WRITER_URL": "redis://localhost", "REDIS_READER_URL": "redis://localhost/1"],
                folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors.contains("REDIS_READER_URL"))
            #expect(ended.errors.contains("database 1"))
        }
    }

    @Test func `a flag comes before the environment, and that before the file`() async throws {
        try await withFolder { folder in
            try "DMS_HTTP_PORT=from-file\nDMS_RPC_PORT=file\n".write(
                toFile: "\(folder)/.env", atomically: true, encoding: .utf8)
            let flag = try await Program.run(
                "dms-scheduler", ["--http-port", "from-flag"], environment: ["DMS_HTTP_PORT": "from-env"],
                folder: folder)
            #expect(flag.errors.contains("from-flag"))
            let variable = try await Program.run(
                "dms-scheduler", [], environment: ["DMS_HTTP_PORT": "from-env"], folder: folder)
            #expect(variable.errors.contains("from-env"))
            let file = try await Program.run("dms-scheduler", ["--http-port", "0"], folder: folder)
            #expect(file.errors.contains("DMS_RPC_PORT"))
        }
    }

    @Test func `a flag's value may begin with a dash, and is judged like any other`() async throws {
        try await withFolder { folder in
            let ended = try await Program.run(
                "dms-scheduler", ["--operator-token", "-abc", "--http-port", "-1"], folder: folder)
            #expect(ended.code == 78)
            #expect(ended.errors.contains("DMS_HTTP_PORT (--http-port): '-1' is not a number from 0 to 65535"))
        }
    }

    @Test func `help lists every setting with its default`() async throws {
        try await withFolder { folder in
            let help = try await Program.run("dms-scheduler", ["--help"], folder: folder)
            #expect(help.code == 0)
            for name in [
                "DMS_HTTP_HOST, default 127.0.0.1", "DMS_HTTP_PORT, default 8000", "DMS_HTTP_HOSTS",
                "DMS_RPC_HOST, default 127.0.0.1",
                "DMS_RPC_PORT, default 8001", "DMS_RPC_SOCKET", "REDIS_WRITER_URL", "REDIS_READER_URL",
                "DMS_REDIS_MIN_REPLICAS, default 0",
                "DMS_REDIS_WAIT_MS, default 1000", "DMS_REDIS_EVICTION, default refuse", "DMS_KEY_PREFIX, default dms",
                "DMS_DATA_DIR, default data",
                "DMS_OPERATOR_TOKEN",
                "DMS_OPERATOR_TOKEN_FILE", "DMS_EVENT_LOOPS", "LOG_LEVEL, default info",
                "DMS_LOG_FORMAT, default text", "DMS_MAX_QUEUED, default 0",
                "DMS_HTTP_CONNECTIONS_MAX, default 10000", "DMS_RPC_CONNECTIONS_MAX, default 16384",
                "DMS_CONNECTIONS_PER_ADDRESS_MAX, default 0", "DMS_REQUESTS_PER_SECOND_MAX, default 0",
                "DMS_FIRST_REQUEST_SECONDS, default 10", "DMS_REQUEST_SECONDS, default 60",
                "DMS_UNREAD_SECONDS, default 60", "DMS_HTTP_IDLE_SECONDS, default 75",
                "DMS_RPC_IDLE_SECONDS, default 3600",
            ] {
                let squeezed = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                #expect(squeezed.contains(name), "\(name)")
            }
        }
    }
}
