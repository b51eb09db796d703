import Foundation
import TestSupport
import Testing

@testable import dms_scheduler

/// Names that look like a setting's and are none.
@Suite struct SettingNameTests {
    @Test(arguments: [
        ("DMS_SUBMITER_TOKEN", "DMS_SUBMITTER_TOKEN"), ("DMS_HTTP_PROT", "DMS_HTTP_PORT"),
        ("REDIS_URL", "REDIS_WRITER_URL or REDIS_READER_URL"), ("DMS_REDIS_WRITER_URL", "REDIS_WRITER_URL"),
        ("DMS_LOG_LEVEL", "LOG_LEVEL"), ("DMS_TLS_CERT", "DMS_TLS_CERT_FILE"), ("dms_http_port", "DMS_HTTP_PORT"),
        ("DMS-HTTP-PORT", "DMS_HTTP_PORT"), ("DMS_TOKEN", "DMS_OPERATOR_TOKEN or DMS_SUBMITTER_TOKEN"),
        ("DMS_OPERATOR_TOKENS_FILE", "DMS_OPERATOR_TOKEN_FILE"), ("REDIS_KEY_PREFIX", "DMS_KEY_PREFIX"),
        ("REDIS_HOST", "REDIS_WRITER_URL"),
    ])
    func `an unknown name ends the start with the nearest one`(_ name: String, _ nearest: String) async throws {
        try await withFolder { folder in
            let byEnvironment = try await Program.run(
                "dms-scheduler", [], environment: [name: "secret"], folder: folder)
            #expect(byEnvironment.code == 78)
            #expect(
                byEnvironment.errors
                    == "dms-scheduler: \(name) in the environment is not a setting (did you mean \(nearest)?)\n")
            try Data("# c\r\n\(name)=secret\r\n".utf8).write(to: URL(filePath: "\(folder)/.env"))
            let byFile = try await Program.run("dms-scheduler", [], folder: folder)
            #expect(byFile.code == 78)
            #expect(
                byFile.errors == "dms-scheduler: .env, line 2: \(name) is not a setting (did you mean \(nearest)?)\n")
        }
    }

    @Test func `all unknown names are told at once`() async throws {
        try await withFolder { folder in
            try Data("DMS_HTTP_PROT=1\nPORT=1\nDMS_RPC_PROT=2\n".utf8).write(to: URL(filePath: "\(folder)/.env"))
            let ended = try await Program.run("dms-scheduler", [], environment: ["REDIS_URL": "x"], folder: folder)
            for name in ["REDIS_URL in the environment", "line 1: DMS_HTTP_PROT", "line 3: DMS_RPC_PROT"] {
                #expect(ended.errors.contains(name), "\(ended.errors)")
            }
        }
    }

    /// What Kubernetes and Docker set for services that are called `redis`, `dms`, `dms-http` and `redis-writer`.
    private static let serviceLinks = [
        "REDIS_SERVICE_HOST": "10.0.0.1", "REDIS_SERVICE_PORT": "6379", "REDIS_SERVICE_PORT_REDIS": "6379",
        "REDIS_PORT": "tcp://10.0.0.1:6379", "REDIS_PORT_6379_TCP": "tcp://10.0.0.1:6379",
        "REDIS_PORT_6379_TCP_PROTO": "tcp", "REDIS_PORT_6379_TCP_PORT": "6379", "REDIS_PORT_6379_TCP_ADDR": "10.0.0.1",
        "REDIS_WRITER_SERVICE_HOST": "10.0.0.2", "REDIS_WRITER_PORT": "tcp://10.0.0.2:6379",
        "DMS_SCHEDULER_SERVICE_HOST": "10.0.0.3", "DMS_PORT": "udp://10.0.0.3:8000",
        "DMS_PORT_8000_UDP": "udp://10.0.0.3:8000",
        "DMS_HTTP_SERVICE_HOST": "10.0.0.4", "DMS_HTTP_PORT": "tcp://10.0.0.4:8000",
        "REDIS_NAME": "/scheduler/redis", "REDIS_ENV_REDIS_VERSION": "7.0.15", "REDIS_VERSION": "7.0.15",
    ]

    @Test func `what container runtimes set for services is no setting and no mistake`() async throws {
        try await withFolder { folder in
            let environment = SettingNameTests.serviceLinks.merging(["DMS_SERVER": "127.0.0.1:1"]) { $1 }
            let scheduler = try await SchedulerProcess.start(folder: folder, environment: environment)
            #expect(scheduler.program.errors.contains("Variables are set that mean nothing to a scheduler"))
            #expect(scheduler.program.errors.contains("DMS_SERVER"))
            #expect(try await scheduler.terminate() == 0)
        }
    }

    @Test func `the same in a file was written by someone`() async throws {
        try await withFolder { folder in
            try Data("REDIS_PORT=tcp://10.0.0.1:6379\n".utf8).write(to: URL(filePath: "\(folder)/.env"))
            let ended = try await Program.run("dms-scheduler", [], folder: folder)
            #expect(ended.code == 78)
            let plain = try await Program.run(
                "dms-scheduler", ["--env-file", "/dev/null"], environment: ["REDIS_PORT": "6379"], folder: folder)
            #expect(plain.code == 78)
        }
    }

    /// A shell that has the clients' or the tests' variables set must not keep a scheduler from starting.
    @Test func `every variable that the project's files name is known`() throws {
        let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var found: Set<String> = []
        for place in ["README.md", "Makefile", "Dockerfile", "docker-compose.yml", "docs", ".ci", "clients", "Tests"] {
            let root = project.appending(path: place)
            let below = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.allObjects ?? []
            for case let file as URL in [root] + below where !file.path.contains("ProgramTests/Settings") {
                guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
                found.formUnion(text.matches(of: /\b(DMS|REDIS)_[A-Z][A-Z0-9_]*[A-Z0-9]\b/).map { String($0.0) })
            }
        }
        #expect(found.count > 40)
        let unknown = found.filter {
            Setting(rawValue: $0) == nil && !SettingNames.isOfAnother($0)
                && !SettingNames.isServiceLink($0, "tcp://10.0.0.1:6379")
        }
        #expect(unknown.isEmpty)
    }
}
