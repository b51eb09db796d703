import TestSupport
import Testing

/// The client programs as a shell starts them.
@Suite(.serialized) struct CommandLineTests {
    @Test func `tasks whose ids begin with a dash are worked on like others`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            for id in ["-hash", "-h"] {
                let submitted = try await scheduler.run(
                    "dms-admin", "submit", "--id", id, "--service", "-copy", "--user", "-ada")
                #expect(submitted.code == 0, "\(submitted.errors)")
            }
            let moved = try await scheduler.run("dms-admin", "priority", "-hash", "high", "--json")
            #expect(moved.output.contains(#""task_id":"-hash","#), "\(moved.errors)")
            #expect(moved.output.contains(#""priority":"high","#))
            let next = try await scheduler.run("dms-submitter", "next", "--json")
            #expect(next.output.contains(#""task_id":"-hash","#), "\(next.errors)")
            let finished = try await scheduler.run("dms-submitter", "finish", "-hash", "--result", "-5", "--json")
            #expect(finished.output.contains(#""result":-5"#), "\(finished.errors)")
            let canceled = try await scheduler.run("dms-admin", "cancel", "--json", "--", "-h")
            #expect(canceled.output.contains(#""status":"canceled""#), "\(canceled.errors)")
            let lost = try await scheduler.run("dms-submitter", "return", "--", "-h", "-tokh")
            #expect(lost.code == 1)
            #expect(lost.errors.contains("LEASE_LOST"))
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a word that only holds the letter of help is wrong, not done`() async throws {
        try await withFolder { folder in
            let help = try await Program.run("dms-admin", ["stats", "-h"], folder: folder)
            #expect(help.code == 0)
            #expect(help.output.contains("--help"))
            for words in [["-hash"], ["stats", "-hash"]] {
                let wrong = try await Program.run("dms-admin", words, folder: folder)
                #expect(wrong.code == 64)
                #expect(wrong.output.isEmpty)
                #expect(wrong.errors.contains("'-hash'"))
            }
        }
    }
}
