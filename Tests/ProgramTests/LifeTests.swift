import DMSClient
import DMSModel
import Foundation
import NIOCore
import TestSupport
import Testing

@Suite(.serialized) struct SchedulerLifeTests {
    @Test func `a scheduler that has nothing to do ends without a warning`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            #expect(try await scheduler.http("GET", "/stats").status == 200)
            #expect(try await scheduler.terminate() == 0)
            let end = try #require(scheduler.program.errors.split(separator: "The binary door closes").last)
            #expect(!end.contains("warning") && !end.contains("error"), "\(end)")
        }
    }

    @Test func `front end, admin and submitter meet in one scheduler on its private Redis`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let parameters = #"{"n":123456789012345678901234567890,"e":[]}"#
            for id in ["t-1", "t-2"] {
                let body = #"{"task_id":"\#(id)","service":"copy","user_id":"ada","parameters":\#(parameters)}"#
                let answer = try await scheduler.http("POST", "/tasks", body)
                #expect(answer.status == 201)
            }
            let moved = try await scheduler.run("dms-admin", "priority", "t-2", "high")
            #expect(moved.code == 0, "\(moved.errors)")
            let next = try await scheduler.run("dms-submitter", "next", "--json", "--submitter-id", "node-1")
            #expect(next.code == 0, "\(next.errors)")
            #expect(next.output.contains(#""task_id":"t-2""#))
            #expect(next.output.contains(#""parameters":\#(parameters)"#))
            let stats = try await scheduler.run("dms-admin", "stats", "--json")
            #expect(stats.output.contains(#""dispatched":1"#))
            let blocked = try await scheduler.run("dms-admin", "block", "--reason", "maintenance")
            #expect(blocked.code == 0)
            let refused = try await scheduler.run(
                "dms-admin", "submit", "--id", "t-3", "--service", "copy", "--user", "ada", "--parameters", "{}")
            #expect(refused.code == 1)
            #expect(refused.errors.contains("SUBMISSIONS_BLOCKED"))
            let health = try await scheduler.run("dms-admin", "health")
            #expect(health.code == 0)
            let unknown = try await scheduler.run("dms-admin", "task", "nobody")
            #expect(unknown.code == 1)
            #expect(unknown.errors.contains("TASK_NOT_FOUND"))
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }

    @Test func `a second scheduler on the same data directory is refused with a sentence`() async throws {
        try await withFolder { folder in
            let first = try await SchedulerProcess.start(folder: folder)
            let second = try await Program.run(
                "dms-scheduler", ["--http-port", "0", "--rpc-port", "0", "--data-dir", "data"], folder: folder)
            #expect(second.code == 69)
            #expect(second.errors.contains("Another scheduler is running on the data directory"))
            let code = try await first.terminate()
            #expect(code == 0)
        }
    }

    @Test func `a port that is taken ends the program with a sentence`() async throws {
        try await withFolder { folder in
            let first = try await SchedulerProcess.start(folder: folder)
            let rest = "REST server cannot listen on 127.0.0.1:\(first.rpcPort): address already in use"
            let rpc = "RPC server cannot listen on 127.0.0.1:\(first.httpPort): address already in use"
            for (flags, problem) in [
                (["--http-port", "\(first.rpcPort)"], "\(rest) (DMS_HTTP_HOST, DMS_HTTP_PORT)"),
                (["--rpc-port", "\(first.httpPort)"], "\(rpc) (DMS_RPC_HOST, DMS_RPC_PORT)"),
            ] {
                let second = try await Program.run(
                    "dms-scheduler", ["--http-port", "0", "--rpc-port", "0", "--data-dir", "other"] + flags,
                    folder: folder)
                #expect(second.code == 69)
                #expect(second.errors.contains("dms-scheduler: The \(problem)\n"), "\(second.errors)")
            }
            _ = try await first.terminate()
        }
    }

    @Test(arguments: [
        (
            ["--rpc-host", "192.0.2.1", "--rpc-port", "7"],
            "RPC server cannot listen on 192.0.2.1:7: cannot assign requested"
        ),
        (
            ["--http-host", "192.0.2.1", "--http-port", "7"],
            "REST server cannot listen on 192.0.2.1:7: cannot assign requested"
        ),
        (
            ["--rpc-host", "no.such.host.invalid"],
            "the name no.such.host.invalid cannot be resolved (DMS_RPC_HOST, DMS_RPC_PORT)"
        ),
        (
            ["--http-host", "no.such.host.invalid"],
            "the name no.such.host.invalid cannot be resolved (DMS_HTTP_HOST, DMS_HTTP_PORT)"
        ),
        (
            ["--rpc-socket", "there.is/none"],
            "cannot listen on the socket there.is/none: no such file or directory (DMS_RPC_SOCKET)"
        ),
        (
            ["--rpc-socket", "data"],
            "cannot listen on the socket data: there is a file that is no socket (DMS_RPC_SOCKET)"
        ),
    ])
    func `an address that cannot be listened on is told with its setting`(_ flags: [String], _ says: String)
        async throws
    {
        try await withFolder { folder in
            let ended = try await Program.run(
                "dms-scheduler", ["--http-port", "0", "--rpc-port", "0", "--data-dir", "data"] + flags, folder: folder)
            #expect(ended.code == 69)
            #expect(ended.errors.contains(says), "\(ended.errors)")
        }
    }

    @Test func `kill -9 of the scheduler after any operation loses neither order nor metadata`() async throws {
        try await withFolder { folder in
            var scheduler = try await SchedulerProcess.start(folder: folder)
            func submit(_ id: String, _ priority: String) async throws {
                let body =
                    #"{"task_id":"\#(id)","service":"copy","user_id":"ada","priority":"\#(priority)","parameters":{"x":[1e400]}}"#
                let answer = try await scheduler.http("POST", "/tasks", body)
                try #require(answer.status == 201)
            }
            let operations: [() async throws -> Void] = [
                { try await submit("a", "low") }, { try await submit("b", "mid") }, { try await submit("c", "high") },
                { try await submit("d", "low") }, { try await submit("e", "high") },
                { _ = try await scheduler.http("POST", "/admin/priority", #"{"task_id":"d","priority":"high"}"#) },
                {
                    let body = #"{"task_id":"b","service":"copy","user_id":"ada"}"#
                    _ = try await scheduler.http("POST", "/tasks/cancel", body)
                },
                { _ = try await scheduler.http("POST", "/submitter/next") },
                { _ = try await scheduler.http("POST", "/admin/block", #"{"blocked":true,"reason":"crash"}"#) },
            ]
            for operation in operations {
                try await operation()
                // What was acknowledged is in Redis's socket before we see the answer; the private server outlives the
                // scheduler just long enough to sync it.
                try await scheduler.crash()
                scheduler = try await SchedulerProcess.start(folder: folder)
            }
            let state = try await scheduler.http("GET", "/admin/block")
            #expect(state.text.contains(#""blocked":true,"reason":"crash""#))
            var order: [String] = []
            let client = scheduler.client()
            for task in try await client.submitter.next(NextRequest(maxTasks: 10)).tasks {
                order.append(task.taskID.text)
                #expect(String(buffer: task.parameters) == #"{"x":[1e400]}"#)
            }
            #expect(order == ["e", "d", "a"])
            let statistics = try await client.tasks.stats()
            #expect(statistics.queued == 5)
            #expect(statistics.dispatched == 4)
            #expect(statistics.canceled == 1)
            await client.close()
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a private Redis that dies comes back with everything`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let body = #"{"task_id":"a","service":"copy","user_id":"ada","parameters":{}}"#
            let answer = try await scheduler.http("POST", "/tasks", body)
            #expect(answer.status == 201)
            let shutdown = try await Program.shell(
                "redis-cli -s data/redis.sock shutdown nosave; true", folder: folder)
            #expect(shutdown == 0)
            try await eventually { scheduler.program.errors.contains("it is started again") }
            try await eventually { try await scheduler.http("GET", "/tasks/a").status == 200 }
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }
}
