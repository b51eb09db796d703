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

    /// A test's own words are text, so it is a shell that makes others.
    @Test(arguments: [
        #"dms-admin submit --service s --user u --parameters "$(printf '{"a":"\377"}')""#,
        #"dms-admin submit --id "$(printf '\377')" --service s --user u"#, #"dms-admin task "$(printf '\377')""#,
        #"dms-admin task -- "$(printf '\377')""#, #"dms-submitter finish x --error "$(printf '\303')""#,
        #"dms-submitter run --submitter-id "$(printf '\377')" -- true"#,
    ])
    func `a word that is not UTF-8 is refused, not changed`(_ line: String) async throws {
        try await withFolder { folder in
            let ended = try await Program.shell(line, server: "unix:///nowhere/s", folder: folder)
            #expect(ended.code == 64)
            #expect(ended.errors.contains("of the command line is not UTF-8"), "\(ended.errors)")
        }
    }

    @Test(arguments: [
        ("--concurrency", "-1", "--concurrency must be from 1 to 1000"),
        ("--lease", "-1", "a time from 1s to 24h is expected"), ("--grace", "-5s", "a time of at most 24h is expected"),
    ])
    func `a worker's number with a dash is told with its bounds, not as missing`(
        _ option: String, _ value: String, _ bounds: String
    ) async throws {
        try await withFolder { folder in
            let ended = try await Program.run("dms-submitter", ["run", option, value, "--", "true"], folder: folder)
            #expect(ended.code == 64)
            #expect(ended.errors.contains(bounds), "\(ended.errors)")
        }
    }

    @Test func `the words of a command that is run may be anything`() async throws {
        try await withFolder { folder in
            let ended = try await Program.shell(
                #"dms-submitter run --concurrency 0 -- "$(printf '\377')""#, server: "unix:///nowhere/s", folder: folder
            )
            #expect(ended.code == 64)
            #expect(ended.errors.contains("--concurrency must be from 1"), "\(ended.errors)")
        }
    }
}
