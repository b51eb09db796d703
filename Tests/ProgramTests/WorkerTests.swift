import DMSClient
import DMSModel
import Foundation
import Glibc
import NIOCore
import TestSupport
import Testing

/// `dms-submitter run` with real commands, on a real scheduler.
@Suite(.serialized) struct WorkerTests {
    /// A scheduler, its client, and the folder in which workers run.
    struct Setting {
        let scheduler: SchedulerProcess
        let client: DMSClient
        let folder: String

        var environment: [String: String] { ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"] }

        func submit(_ ids: String...) async throws {
            for id in ids {
                _ = try await client.tasks.enqueue(
                    TaskSubmission(
                        taskID: TaskID(id), service: "copy", userID: "ada",
                        parameters: ByteBuffer(string: #"{"from": "/a"}"#)))
            }
        }

        /// Starts a worker that runs a shell script for each task.
        func worker(_ options: String..., script: String) throws -> Program {
            try Program(
                "dms-submitter", ["run", "--lease", "3s"] + options + ["--", "sh", "-c", script],
                environment: environment, folder: folder)
        }

        func record(_ id: String) async throws -> TaskRecord { try await client.tasks.get(TaskID(id)).record }

        func wait(for id: String, _ status: TaskStatus) async throws -> TaskRecord {
            try await eventually { try await record(id).status == status }
            return try await record(id)
        }

        func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(file)") }

        func content(_ file: String) throws -> String {
            try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        }

        /// Drains a worker and expects that it ends well.
        func drain(_ worker: Program) async throws {
            worker.signal(SIGTERM)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
        }
    }

    func withSetting(_ body: (Setting) async throws -> Void) async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let client = scheduler.client()
            do {
                try await body(Setting(scheduler: scheduler, client: client, folder: folder))
            } catch {
                await client.close()
                throw error
            }
            await client.close()
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a command gets its task by standard input and environment, and its output is the result`()
        async throws
    {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--submitter-id", "node-1",
                script: #"""
                    cat > "in-$DMS_TASK_ID"
                    printf '["%s","%s","%s","%s"]\n' "$DMS_TASK_SERVICE" "$DMS_TASK_USER_ID" "$DMS_TASK_PRIORITY" "$DMS_TASK_ATTEMPT"
                    """#)
            try await setting.submit("a")
            let record = try await setting.wait(for: "a", .completed)
            #expect(record.result.map { String(buffer: $0) } == #"["copy","ada","low","1"]"#)
            #expect(record.submitterID == "node-1")
            let input = try setting.content("in-a")
            #expect(input.hasPrefix(#"{"task_id":"a","service":"copy","#))
            #expect(input.contains(#""parameters":{"from": "/a"}"#))
            try await setting.drain(worker)
        }
    }

    @Test func `output that is no JSON is a string, none is no result, too much and a failure are errors`() async throws
    {
        try await withSetting { setting in
            let worker = try setting.worker(
                script: #"""
                    case "$DMS_TASK_ID" in
                    text) printf 'two\nlines "quoted"\n' ;;
                    empty) printf ' \n' ;;
                    large) head -c 1048577 /dev/zero | tr '\0' 7 ;;
                    bad) echo 'progress'; echo 'no space left' >&2; exit 3 ;;
                    lines) printf 'no\nspace\n' >&2; kill -KILL $$ ;;
                    silent) exit 4 ;;
                    loud) { echo begin; head -c 200000 /dev/zero | tr '\0' x; echo end; } >&2; exit 1 ;;
                    esac
                    """#)
            try await setting.submit("text", "empty", "large", "bad", "lines", "silent", "loud")
            let loud = try await setting.wait(for: "loud", .failed)
            #expect(loud.error?.hasPrefix("The command exited with status 1: x") == true)
            #expect(loud.error?.hasSuffix("xend") == true)
            #expect(loud.error.map { $0.utf8.count <= Limits.errorBytesMax && $0.utf8.count > 65_000 } == true)
            let text = try await setting.record("text")
            #expect(text.result.map { String(buffer: $0) } == #""two\nlines \"quoted\"\n""#)
            // A task without a result shows none, also as JSON.
            let shown = try await setting.scheduler.run("dms-admin", "task", "empty", "--json")
            #expect(!shown.output.contains("result"))
            let empty = try await setting.record("empty")
            #expect(empty.status == .completed)
            #expect(empty.result == nil)
            let large = try await setting.record("large")
            #expect(large.status == .failed)
            #expect(large.error?.contains("more than 1048576 bytes") == true)
            let bad = try await setting.record("bad")
            #expect(bad.status == .failed)
            #expect(bad.error == "The command exited with status 3: no space left")
            let lines = try await setting.record("lines")
            #expect(lines.error == "The command was ended by signal 9 (killed):\nno\nspace")
            let silent = try await setting.record("silent")
            #expect(silent.error == "The command exited with status 4")
            try await setting.drain(worker)
            #expect(worker.errors.contains("bad: failed: The command exited with status 3: no space left\n"))
            #expect(
                worker.errors.contains("lines: failed: The command was ended by signal 9 (killed): no; space\n"),
                "\(worker.errors)")
        }
    }

    @Test func `a command may run longer than its lease, and a worker runs as many as it is told`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--concurrency", "2",
                script: #"""
                    touch "began-$DMS_TASK_ID"
                    while [ ! -e go ]; do sleep 0.05; done
                    """#)
            try await setting.submit("a", "b", "c")
            try await eventually { setting.has("began-a") && setting.has("began-b") }
            let end = ContinuousClock.now + .seconds(7)
            try await eventually { ContinuousClock.now >= end }
            #expect(!setting.has("began-c"))
            _ = FileManager.default.createFile(atPath: "\(setting.folder)/go", contents: nil)
            for id in ["a", "b", "c"] {
                let record = try await setting.wait(for: id, .completed)
                #expect(record.attempt == 1)
            }
            try await setting.drain(worker)
        }
    }

    @Test func `the command of a canceled task is ended with all that it started, by force where need be`() async throws
    {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--grace", "3s",
                script: #"""
                    trap 'touch asked' TERM
                    sh -c 'trap "" TERM; echo $$ > child; while :; do sleep 0.05; done' &
                    while :; do sleep 0.05; done
                    """#)
            try await setting.submit("a")
            let child = try await setting.process("child")
            _ = try await setting.client.tasks.cancel(
                TaskCancellation(taskID: TaskID("a"), service: "copy", userID: "ada"))
            try await eventually { worker.errors.contains("task a: canceled") }
            #expect(setting.has("asked"))
            try await eventually { !setting.isRunning(child) }
            // The worker works on.
            try FileManager.default.removeItem(atPath: "\(setting.folder)/child")
            try await setting.submit("b")
            let second = try await setting.process("child")
            worker.signal(SIGKILL)
            _ = try await worker.exitCode()
            // What it ran is not ended by a crash of its worker; we end it.
            let group = getpgid(second)
            #expect(group > 1)
            if group > 1 { kill(-group, SIGKILL) }
        }
    }

    @Test func `a worker that is drained finishes what it runs, and fetches no more`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                script: #"""
                    touch "began-$DMS_TASK_ID"
                    while [ ! -e go ]; do sleep 0.05; done
                    """#)
            try await setting.submit("a")
            try await eventually { setting.has("began-a") }
            worker.signal(SIGTERM)
            try await eventually { worker.errors.contains("drains") }
            try await setting.submit("b")
            _ = FileManager.default.createFile(atPath: "\(setting.folder)/go", contents: nil)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
            let done = try await setting.record("a")
            #expect(done.status == .completed)
            let left = try await setting.record("b")
            #expect(left.status == .queued)
            #expect(left.attempt == 0)
        }
    }

    @Test func `a second signal ends the commands, and their tasks are queued again`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--concurrency", "2", script: #"touch "began-$DMS_TASK_ID"; exec sleep 600"#)
            try await setting.submit("a", "b")
            try await eventually { setting.has("began-a") && setting.has("began-b") }
            worker.signal(SIGINT)
            try await eventually { worker.errors.contains("drains") }
            worker.signal(SIGINT)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
            for id in ["a", "b"] {
                let record = try await setting.record(id)
                #expect(record.status == .queued)
            }
        }
    }

    @Test func `a worker that waits is ended by one signal`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(script: "true")
            try await eventually { try await setting.client.tasks.stats().waitingSubmitters == 1 }
            try await setting.drain(worker)
        }
    }

    @Test func `a worker waits for a scheduler that comes back`() async throws {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let arguments = ["--redis-writer-url", "\(redis.url)", "--rpc-socket", "\(folder)/rpc.sock"]
                let first = try await SchedulerProcess.start(arguments, folder: folder)
                let worker = try Program(
                    "dms-submitter", ["run", "--lease", "60s", "--", "sh", "-c", "touch began; sleep 1; echo 7"],
                    environment: ["DMS_SERVER": "unix://\(folder)/rpc.sock"], folder: folder)
                let client = first.client()
                _ = try await client.tasks.enqueue(
                    TaskSubmission(
                        taskID: TaskID("a"), service: "copy", userID: "ada", parameters: ByteBuffer(string: "{}")))
                await client.close()
                try await eventually { FileManager.default.fileExists(atPath: "\(folder)/began") }
                try await first.crash()
                let second = try await SchedulerProcess.start(arguments, folder: folder)
                let again = second.client()
                try await eventually { try await again.tasks.get(TaskID("a")).record.status == .completed }
                let record = try await again.tasks.get(TaskID("a")).record
                #expect(record.result == ByteBuffer(string: "7"))
                #expect(record.attempt == 1)
                await again.close()
                worker.signal(SIGTERM)
                let code = try await worker.exitCode()
                #expect(code == 0, "\(worker.errors)")
                _ = try await second.terminate()
            }
        }
    }

    @Test func `a command that is not there, and no command, are mistakes of the command line`() async throws {
        try await withFolder { folder in
            let missing = try await Program.run("dms-submitter", ["run", "--", "dms-no-such-command"], folder: folder)
            #expect(missing.code == 64)
            #expect(missing.errors.contains("There is no command dms-no-such-command"))
            let none = try await Program.run("dms-submitter", ["run"], folder: folder)
            #expect(none.code == 64)
            #expect(none.errors.contains("A command is expected behind --."))
        }
    }

    @Test func `the single commands hand a task on from one to the other`() async throws {
        try await withSetting { setting in
            func run(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
                try await Program.run(
                    "dms-submitter", arguments, environment: setting.environment, folder: setting.folder)
            }
            func token(_ output: String) throws -> String {
                String(try #require(output.firstMatch(of: #/"lease_token":"([^"]+)"/#)).1)
            }
            try await setting.submit("a")
            let fetched = try await run("next", "--wait", "10s", "--lease", "60s", "--json")
            #expect(fetched.code == 0, "\(fetched.errors)")
            #expect(fetched.output.contains(#""lease_expires_at":""#))
            let first = try token(fetched.output)
            let renewed = try await run("renew", "a", first, "--lease", "1h", "--json")
            #expect(renewed.code == 0, "\(renewed.errors)")
            #expect(renewed.output.contains(#""canceled":false,"lease_expires_at":"2"#))
            let returned = try await run("return", "a", first, "--reason", "busy", "--json")
            #expect(returned.code == 0, "\(returned.errors)")
            let lost = try await run("ack", "a", first)
            #expect(lost.code == 1)
            #expect(lost.errors.contains("LEASE_LOST"))
            let second = try token(try await run("next", "--lease", "60s", "--json").output)
            let acked = try await run("ack", "a", second, "--json")
            #expect(acked.output == #"{"task_id":"a","canceled":false,"lease_expires_at":null}"# + "\n")
            let finished = try await run("finish", "a", second, "--result", "[1]", "--json")
            #expect(finished.code == 0, "\(finished.errors)")
            let record = try await setting.record("a")
            #expect(record.status == .completed)
            #expect(record.result == ByteBuffer(string: "[1]"))
            let none = try await run("next", "--wait", "50ms", "--lease", "1s")
            #expect(none.code == 3)
        }
    }
}
