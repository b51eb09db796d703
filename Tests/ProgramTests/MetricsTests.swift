import DMSClient
import DMSModel
import Glibc
import TestSupport
import Testing

/// `/metrics` of a whole scheduler.
@Suite struct MetricsTests {
    @Test func `calls of the binary door are counted by method and code, and their times but for waits`() async throws {
        try await withScheduler { scheduler in
            let submitted = try await scheduler.run(
                "dms-admin", "submit", "--id", "a", "--service", "copy", "--user", "ada", "--parameters", "{}")
            #expect(submitted.code == 0, "\(submitted.errors)")
            for id in ["a", "nobody"] { _ = try await scheduler.run("dms-admin", "task", id) }
            #expect(try await scheduler.run("dms-submitter", "next").output.contains("a"))
            async let waiting = scheduler.run("dms-submitter", "next", "--wait", "60s")
            try await eventually { try await scheduler.figures()["dms_waiting_calls"] == 1 }
            _ = try await scheduler.run(
                "dms-admin", "submit", "--id", "b", "--service", "copy", "--user", "ada", "--parameters", "{}")
            #expect(try await waiting.output.contains("b"))
            let figures = try await scheduler.figures()
            #expect(figures.calls("Tasks/Enqueue", "OK") == 2)
            #expect(figures.calls("Tasks/Get", "OK") == 1)
            #expect(figures.calls("Tasks/Get", "NOT_FOUND") == 1)
            #expect(figures.calls("Submitter/Next", "OK") == 2)
            // The second one waited.
            let name = "dms_rpc_request_duration_seconds_count"
            #expect(figures["\(name){method=\"dms.v1.Submitter/Next\"}"] == 1)
            #expect(figures["\(name){method=\"dms.v1.Tasks/Get\"}"] == 2)
            #expect(figures["\(name){method=\"dms.v1.Admin/Block\"}"] == 0)
        }
    }

    @Test func `a call counts once when it is given up, when its deadline passes and when its connection is gone`()
        async throws
    {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let request = NextRequest(waitMilliseconds: 60_000)
            let client = scheduler.client()
            let given = Task { try await client.submitter.next(request) }
            try await eventually { try await scheduler.figures()["dms_waiting_calls"] == 1 }
            given.cancel()
            _ = await given.result
            try await eventually { try await scheduler.figures().calls("Submitter/Next", "CANCELLED") == 1 }
            // Whoever of both is the first to see it.
            await #expect(throws: DMSClientError.self) {
                try await client.submitter.next(request, options: CallOptions(deadline: .milliseconds(100)))
            }
            try await eventually { try await scheduler.figures().calls("Submitter/Next") == 2 }
            await client.close()
            let submitter = try Program(
                "dms-submitter", ["next", "--wait", "60s"],
                environment: ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"], folder: folder)
            try await eventually { try await scheduler.figures()["dms_waiting_calls"] == 1 }
            submitter.signal(SIGKILL)
            try await eventually { try await scheduler.figures().calls("Submitter/Next") > 2 }
            let figures = try await scheduler.figures()
            #expect(figures.calls("Submitter/Next") == 3)
            #expect(figures["dms_rpc_request_duration_seconds_count{method=\"dms.v1.Submitter/Next\"}"] == 0)
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }

    @Test func `a wrong token is counted, and its time is not`() async throws {
        try await withScheduler { scheduler in
            let refused = try await Program.run(
                "dms-admin", ["block", "--server", "127.0.0.1:\(scheduler.rpcPort)"],
                environment: ["DMS_OPERATOR_TOKEN": "wrong"], folder: scheduler.folder)
            #expect(refused.code == 1)
            let figures = try await scheduler.figures()
            #expect(figures.calls("Admin/Block", "PERMISSION_DENIED") == 1)
            #expect(figures[#"dms_rpc_request_duration_seconds_count{method="dms.v1.Admin/Block"}"#] == 0)
            #expect(figures["dms_wrong_tokens_total"] == 1)
        }
    }

    @Test func `the process is shown by the names that others have for it`() async throws {
        try await withScheduler { scheduler in
            let figures = try await scheduler.figures()
            #expect(try #require(figures["process_resident_memory_bytes"]) > 1e6)
            #expect(try #require(figures["process_cpu_seconds_total"]) > 0)
            #expect(try #require(figures["process_start_time_seconds"]) > 1.7e9)
            let open = try #require(figures["process_open_fds"])
            #expect(open > 5)
            #expect(try #require(figures["process_max_fds"]) > open)
        }
    }
}

private func withScheduler(_ body: (SchedulerProcess) async throws -> Void) async throws {
    try await withFolder { folder in
        let scheduler = try await SchedulerProcess.start(folder: folder)
        try await body(scheduler)
        let code = try await scheduler.terminate()
        #expect(code == 0)
    }
}

extension SchedulerProcess {
    fileprivate func figures() async throws -> MetricsText {
        try MetricsText(try await http("GET", "/metrics").text)
    }
}

extension MetricsText {
    /// How many calls of a method ended.
    fileprivate func calls(_ method: String) -> Double {
        let start = "dms_rpc_requests_total{method=\"dms.v1.\(method)\","
        return samples.filter { $0.key.hasPrefix(start) }.map(\.value).reduce(0, +)
    }

    /// How many calls of a method ended with that code.
    fileprivate func calls(_ method: String, _ code: String) -> Double? {
        self["dms_rpc_requests_total{method=\"dms.v1.\(method)\",code=\"\(code)\"}"]
    }
}
