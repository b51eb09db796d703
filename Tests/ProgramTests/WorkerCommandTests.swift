import DMSClient
import DMSModel
import Foundation
import Glibc
import NIOCore
import TestSupport
import Testing

/// What belongs to a command, how long it lasts, and how it is ended.
extension WorkerTests {
    @Test func `a canceled task's command is ended also where it writes to files of its own`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(script: "exec >>log 2>&1; echo $$ > child; exec sleep 600")
            try await setting.submit("a")
            let child = try await setting.process("child")
            try await setting.cancel("a")
            try await eventually { worker.errors.contains("task a: canceled") }
            #expect(!setting.isRunning(child))
            try await setting.drain(worker)
        }
    }

    @Test func `a lost lease ends such a command, too, and so does a worker that is stopped`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                script: #"exec >>log 2>&1; echo $$ > "child-$DMS_TASK_ATTEMPT"; exec sleep 600"#)
            try await setting.submit("a")
            let first = try await setting.process("child-1")
            // It cannot renew the lease now.
            worker.signal(SIGSTOP)
            _ = try await setting.wait(for: "a", .queued)
            #expect(setting.isRunning(first))
            worker.signal(SIGCONT)
            let second = try await setting.process("child-2")
            #expect(!setting.isRunning(first))
            worker.signal(SIGTERM)
            try await eventually { worker.errors.contains("drains") }
            worker.signal(SIGTERM)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
            #expect(!setting.isRunning(second))
            let record = try await setting.record("a")
            #expect(record.status == .queued)
        }
    }

    @Test func `what comes after the end of a command's first process counts`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                script: #"""
                    case "$DMS_TASK_ID" in
                    piped) exec bash -c 'exec > >(sleep 0.3; cat); echo "{\"files\": 3}"' ;;
                    late) (sleep 1; echo late) & echo early ;;
                    failed) (sleep 0.5; echo 'no space left' >&2) & exit 3 ;;
                    reading) exec 3<&0; { sleep 0.5; wc -c; } <&3 & ;;
                    esac
                    """#)
            try await setting.submit("piped", "late", "failed")
            let parameters = ByteBuffer(string: #"{"text":""# + String(repeating: "x", count: 200_000) + #""}"#)
            _ = try await setting.client.tasks.enqueue(
                TaskSubmission(taskID: TaskID("reading"), service: "copy", userID: "ada", parameters: parameters))
            let read = try await setting.wait(for: "reading", .completed)
            #expect(read.result.flatMap { Int(String(buffer: $0)) }.map { $0 > 200_000 } == true)
            let piped = try await setting.record("piped")
            #expect(piped.result.map { String(buffer: $0) } == #"{"files": 3}"#)
            let late = try await setting.record("late")
            #expect(late.result.map { String(buffer: $0) } == #""early\nlate\n""#)
            let failed = try await setting.record("failed")
            #expect(failed.status == .failed)
            #expect(failed.error == "The command exited with status 3: no space left")
            try await setting.drain(worker)
        }
    }

    @Test func `what is left of a canceled task's command has the grace, too`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--grace", "30s",
                script: #"""
                    sh -c 'trap "sleep 0.3; touch asked; exit" TERM; echo $$ > child; while :; do sleep 0.05; done' &
                    """#)
            try await setting.submit("a")
            let child = try await setting.process("child")
            try await setting.cancel("a")
            try await eventually { worker.errors.contains("task a: canceled") }
            #expect(setting.has("asked"))
            // Its outputs are closed a little before it is gone.
            try await eventually { !setting.isRunning(child) }
            try await setting.drain(worker)
        }
    }

    @Test func `what has left the group is not waited for when the grace is over`() async throws {
        try await withSetting { setting in
            let worker = try setting.worker(
                "--grace", "1s",
                script: #"""
                    setsid sh -c 'trap "" TERM; echo $$ > escaped; while :; do sleep 0.05; done' &
                    sh -c 'trap "" TERM; echo $$ > child; while :; do sleep 0.05; done' &
                    """#)
            try await setting.submit("a")
            let child = try await setting.process("child")
            let escaped = try await setting.process("escaped")
            try await setting.cancel("a")
            try await eventually { worker.errors.contains("task a: canceled") }
            #expect(setting.isRunning(escaped))
            kill(escaped, SIGKILL)
            try await eventually { !setting.isRunning(child) }
            try await setting.drain(worker)
        }
    }

    @Test func `a command's words and environment need not be text`() async throws {
        try await withSetting { setting in
            let worker = try Program(
                "/bin/bash",
                [
                    "-c",
                    #"""
                    export ODD=$'o\xffd' DMS_TASK_ATTEMPT=7
                    exec "$0" run -- bash -c 'printf %s "$1$ODD$DMS_TASK_ATTEMPT" | od -An -tx1' x $'\xe9\xff' ''
                    """#, "\(Program.folder)/dms-submitter",
                ], environment: setting.environment, folder: setting.folder)
            try await setting.submit("a")
            let record = try await setting.wait(for: "a", .completed)
            #expect(record.result.map { String(buffer: $0) } == #"" e9 ff 6f ff 64 31\n""#)
            try await setting.drain(worker)
        }
    }

    @Test(arguments: [#"ODD=plain"#, #"ODD=o\xffd"#, #"1ST=x"#])
    func `a command inherits everything but the scheduler's tokens, byte for byte`(_ odd: String) async throws {
        try await withSetting { setting in
            let worker = try Program(
                "/bin/bash",
                [
                    "-c",
                    #"""
                    for kind in OPERATOR SUBMITTER; do
                        export "DMS_${kind}_TOKEN=hush" "DMS_${kind}_TOKEN_FILE=tokens" "DMS_${kind}_TOKEN_PREVIOUS=hush"
                    done
                    exec env GITHUB_TOKEN=mine DMS_KEY_FILE=k a.b=$'\x01\u00e9e\u0301' EMPTY= $'\#(odd)' DMS_TASK_ATTEMPT=7 \
                        "$0" run -- cp /proc/self/environ got
                    """#, "\(Program.folder)/dms-submitter",
                ], environment: setting.environment, folder: setting.folder)
            try await setting.submit("a")
            _ = try await setting.wait(for: "a", .completed)
            let given = try environment("/proc/\(worker.processIdentifier)/environ")
            let got = try environment("\(setting.folder)/got")
            let isOurs = { (entry: [UInt8]) in entry.starts(with: "DMS_TASK_".utf8) }
            #expect(given.filter { String(decoding: $0, as: UTF8.self).contains("hush") }.count == 4)
            let kept = given.filter { !String(decoding: $0, as: UTF8.self).hasPrefix("DMS_OPERATOR_TOKEN") }
                .filter { !String(decoding: $0, as: UTF8.self).hasPrefix("DMS_SUBMITTER_TOKEN") && !isOurs($0) }
            #expect(kept.count >= 7)
            #expect(got.filter { !isOurs($0) } == kept)
            #expect(got.filter(isOurs).count == 5)
            #expect(got.contains(Array("DMS_TASK_ATTEMPT=1".utf8)))
            try await setting.drain(worker)
        }
    }

    /// The entries of an environment as the kernel shows it, in the order of their bytes.
    private func environment(_ path: String) throws -> [[UInt8]] {
        let bytes = try #require(FileManager.default.contents(atPath: path))
        return bytes.split(separator: 0).map { Array($0) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test func `a path without a program behind it is a mistake of the command line, and takes no task`() async throws {
        try await withSetting { setting in
            _ = FileManager.default.createFile(
                atPath: "\(setting.folder)/text", contents: nil, attributes: [.posixPermissions: 0o644])
            try await setting.submit("a")
            for (path, flaw) in [
                ("./typo", "no such file or directory"), ("./text", "permission denied"), ("/tmp", "it is no file"),
                ("./text/typo", "not a directory"),
            ] {
                let worker = try await Program.run(
                    "dms-submitter", ["run", "--", path], environment: setting.environment, folder: setting.folder)
                #expect(worker.code == 64)
                #expect(
                    worker.errors == "dms-submitter: There is no command \(path) that could be run: \(flaw)\n")
            }
            let record = try await setting.record("a")
            #expect(record.attempt == 0)
        }
    }

    @Test func `a file that the system cannot run ends the worker at the first task, which goes back`() async throws {
        try await withSetting { setting in
            try await setting.submit("a")
            for (name, text) in [("script", "echo hello\n"), ("empty", ""), ("binary", "\u{7F}ELF, or not")] {
                _ = FileManager.default.createFile(
                    atPath: "\(setting.folder)/\(name)", contents: Data(text.utf8),
                    attributes: [.posixPermissions: 0o755])
                let worker = try await Program.run(
                    "dms-submitter", ["run", "--", "./\(name)"], environment: setting.environment,
                    folder: setting.folder)
                #expect(worker.code == 64)
                let end =
                    "dms-submitter: The command ./\(name) cannot be run: exec format error; a script begins with "
                    + "a line such as #!/bin/sh\n"
                #expect(worker.errors.hasSuffix(end), "\(worker.errors)")
                let record = try await setting.record("a")
                #expect(record.status == .queued)
            }
        }
    }
}

extension WorkerTests.Setting {
    /// The process that has written its number to a file.
    func process(_ file: String) async throws -> pid_t {
        try await eventually { (try? content(file))?.hasSuffix("\n") == true }
        return try #require(pid_t(try content(file).trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Whether a process is there, and not only waits to be asked what became of it.
    func isRunning(_ process: pid_t) -> Bool {
        guard kill(process, 0) == 0 else { return false }
        return (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8))?.contains(") Z ") == false
    }

    func cancel(_ id: String) async throws {
        _ = try await client.tasks.cancel(TaskCancellation(taskID: TaskID(id), service: "copy", userID: "ada"))
    }
}
