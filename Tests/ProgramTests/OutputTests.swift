import TestSupport
import Testing

/// What the client programs do when what they print is not taken.
@Suite(.serialized) struct OutputTests {
    private func withTasks(
        _ ids: [String], _ body: (SchedulerProcess, _ server: String) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            for id in ids {
                let submitted = try await scheduler.run(
                    "dms-admin", "submit", "--id", id, "--service", "copy", "--user", "ada")
                #expect(submitted.code == 0, "\(submitted.errors)")
            }
            try await body(scheduler, "127.0.0.1:\(scheduler.rpcPort)")
            _ = try await scheduler.terminate()
        }
    }

    @Test func `output that the disk does not take is an error with the system's reason`() async throws {
        try await withTasks([]) { scheduler, server in
            for options in ["", " --json"] {
                let ended = try await Program.shell(
                    "dms-admin stats\(options) >/dev/full", server: server, folder: scheduler.folder)
                #expect(ended.code == 74)
                #expect(
                    ended.errors
                        == "dms-admin: Standard output cannot be written: no space left on device\n")
            }
        }
    }

    @Test func `a pipe that is closed ends a program quietly`() async throws {
        try await withTasks(["a"]) { scheduler, server in
            let ended = try await Program.shell(
                """
                sh -c '{ until [ -e closed ]; do sleep 0.01; done; dms-admin list; echo $? >code; } | { exec <&-; >closed; }; cat code'
                """, server: server, folder: scheduler.folder)
            #expect(ended.output == "74\n")
            #expect(ended.errors.isEmpty, "\(ended.errors)")
        }
    }

    @Test func `leased tasks that cannot be printed go back to the head of their queue`() async throws {
        try await withTasks(["a", "b", "c", "d"]) { scheduler, server in
            let ended = try await Program.shell(
                "dms-submitter next --max 3 --lease 1m --json >/dev/full", server: server, folder: scheduler.folder)
            #expect(ended.code == 74)
            #expect(ended.errors.contains("no space left on device"))
            #expect(ended.errors.hasSuffix(". The tasks went back to their queues\n"), "\(ended.errors)")
            let next = try await scheduler.run("dms-submitter", "next", "--max", "4", "--json")
            let ids = next.output.matches(of: /"task_id":"(.)"/).map { String($0.1) }
            #expect(ids == ["a", "b", "c", "d"])
        }
    }

    @Test func `tasks without a lease that cannot be printed are named`() async throws {
        try await withTasks(["a", "b"]) { scheduler, server in
            let ended = try await Program.shell(
                "dms-submitter next --max 2 >/dev/full", server: server, folder: scheduler.folder)
            #expect(ended.code == 74)
            #expect(
                ended.errors.hasSuffix(". These tasks stay dispatched until dms-submitter finish ends them: a b\n"),
                "\(ended.errors)")
            let none = try await Program.shell(
                "dms-submitter next >/dev/full", server: server, folder: scheduler.folder)
            #expect(none.code == 3)
        }
    }
}

extension Program {
    /// Runs a line of shell, which finds our programs and becomes the first it names.
    static func shell(
        _ line: String, server: String, folder: String
    ) async throws -> (code: Int32, output: String, errors: String) {
        try await Program.run(
            "/bin/sh", ["-c", "PATH=\(Program.folder):$PATH; exec \(line)"], environment: ["DMS_SERVER": server],
            folder: folder)
    }
}
