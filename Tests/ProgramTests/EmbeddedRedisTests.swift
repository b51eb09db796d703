import Foundation
import Glibc
import Logging
import Subprocess
import TestSupport
import Testing

@testable import dms_scheduler

/// A private redis-server that does not start, or ends.
@Suite(.serialized) struct EmbeddedRedisTests {
    private func pid(_ folder: String) async throws -> Int32 {
        let line = "redis-cli -s data/redis.sock info server | sed -n 's/process_id:\\([0-9]*\\).*/\\1/p' >pid"
        _ = try await Program.shell(line, folder: folder)
        let text = try String(contentsOfFile: "\(folder)/pid", encoding: .utf8)
        return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// The endings that the log tells of.
    private func endings(_ scheduler: SchedulerProcess) -> [String] {
        scheduler.program.errors.split(separator: "\n").filter { $0.contains("it is started again") }.map(String.init)
    }

    @Test(arguments: [
        // A file where its folder should be, a folder where its socket should be, and a damaged file of its data.
        ("touch data/appendonlydir", "Can't open or create append-only dir appendonlydir: Not a directory"),
        ("mkdir data/redis.sock", "Failed opening Unix socket: bind: Address already in use"),
        (
            "mkdir data/appendonlydir; echo nonsense >data/appendonlydir/appendonly.aof.manifest",
            "Invalid AOF manifest file format"
        ),
    ])
    func `a server that never starts ends the program with what it said`(_ line: String, _ said: String) async throws {
        try await withFolder { folder in
            #expect(try await Program.shell("mkdir data; \(line)", folder: folder) == 0)
            let ended = try await Program.run(
                "dms-scheduler", ["--http-port", "0", "--rpc-port", "0", "--data-dir", "data"], folder: folder)
            #expect(ended.code == 69)
            let lines = ended.errors.split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix("dms-scheduler: The private redis-server on ") })
            #expect(line.contains(" does not start: it exited with status 1. It said: "), "\(ended.errors)")
            #expect(line.contains(said), "\(ended.errors)")
        }
    }

    /// Whether a file system of a test's own can be had, which takes a namespace that not every container allows.
    private static let hasNamespaces = Program.succeeds("unshare -rm mount -t tmpfs tmpfs /mnt")

    @Test(.enabled(if: EmbeddedRedisTests.hasNamespaces))
    func `a full disk is told as such`() async throws {
        try await withFolder { folder in
            let small = "mkdir disk && mount -t tmpfs -o size=16k tmpfs disk && mkdir disk/data"
            let full = "cat /dev/zero >disk/rest 2>rest.err"
            let start = "exec \(Program.folder)/dms-scheduler --http-port 0 --rpc-port 0 --data-dir disk/data"
            let ended = try await Program.run(
                "/usr/bin/unshare", ["-rm", "sh", "-c", "\(small); \(full); \(start)"], folder: folder)
            #expect(ended.code == 69)
            #expect(ended.errors.contains(" does not start: it exited with status 1. It said: "), "\(ended.errors)")
            #expect(ended.errors.contains("No space left on device"), "\(ended.errors)")
        }
    }

    @Test func `a server that ran is started again for ever, and each time it is told why`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let body = #"{"task_id":"a","service":"copy","user_id":"ada","parameters":{}}"#
            #expect(try await scheduler.http("POST", "/tasks", body).status == 201)

            kill(try await pid(folder), SIGKILL)
            try await eventually { endings(scheduler).count == 1 }
            #expect(endings(scheduler)[0].contains(#"ending="it was killed by signal 9 (SIGKILL)""#))
            try await eventually { try await scheduler.http("GET", "/tasks/a").status == 200 }

            let file = "data/appendonlydir/appendonly.aof.1.incr.aof"
            let damage = "cp \(file) good && echo nonsense >>\(file) && redis-cli -s data/redis.sock shutdown nosave"
            #expect(try await Program.shell(damage, folder: folder) == 0)
            try await eventually { endings(scheduler).count >= 4 }
            #expect(endings(scheduler)[1].contains("it exited with status 0"))
            for ending in endings(scheduler)[2...] {
                #expect(ending.contains("it exited with status 1"))
                #expect(ending.contains("Bad file format reading the append only file"))
            }
            #expect(try await Program.shell("cp good \(file)", folder: folder) == 0)
            try await eventually { try await scheduler.http("GET", "/tasks/a").status == 200 }
            #expect(try await scheduler.terminate() == 0)
        }
    }

    @Test func `what a server says at each start and at its end is not loud`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            #expect(try await scheduler.terminate() == 0)
            #expect(!scheduler.program.errors.contains("The private redis-server says"), "\(scheduler.program.errors)")
        }
    }

    @Test(arguments: [
        (TerminationStatus.exited(7), "exited with status 7"), (.signaled(9), "was killed by signal 9 (SIGKILL)"),
        (.signaled(40), "was killed by signal 40"),
    ])
    func `how a process ended is told in words`(_ status: TerminationStatus, _ sentence: String) {
        #expect(status.sentence == sentence)
    }

    @Test func `of what was said the last loud lines count, for a while`() {
        var output = RedisOutput()
        let start = ContinuousClock.now
        let lines = [
            "7:C 28 Nov 2026 17:40:11.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
            "7:M 28 Nov 2026 17:40:11.123 # WARNING Memory overcommit must be enabled!",
            "7:M 28 Nov 2026 17:40:11.123 * Reading RDB base file", "7:M 28 Nov 2026 17:40:11.123 # first",
            "flock: second",
        ]
        let levels = lines.map { output.add($0, at: start).level }
        #expect(levels == [.debug, .debug, .debug, .warning, .warning])
        #expect(!output.hasServed)
        #expect(output.lastWords(before: start + .seconds(9)) == "first / flock: second")
        #expect(output.lastWords(before: start + .seconds(11)).isEmpty)
        for number in 0..<9 { _ = output.add("7:M 28 Nov 2026 17:40:11.123 # \(number)", at: start) }
        #expect(output.lastWords(before: start) == "4 / 5 / 6 / 7 / 8")
        _ = output.add("7:M 28 Nov 2026 17:40:11.123 * Ready to accept connections", at: start)
        #expect(output.hasServed)
    }
}

extension Program {
    /// Whether a line of shell ends well.
    fileprivate static func succeeds(_ line: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "( \(line) ) >/dev/null 2>&1"]
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
