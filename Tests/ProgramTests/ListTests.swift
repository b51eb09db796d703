import DMSClient
import DMSModel
import RedisLink
import TestSupport
import Testing

@Suite(.serialized) struct ListProgramTests {
    private static let count = 20_000

    private static func fill(_ redis: TestRedis) async throws {
        let script = """
            for number = tonumber(ARGV[1]), tonumber(ARGV[1]) + 4999 do
                local id = 't-' .. number
                local time = string.format('2025-11-23T10:%02d:%02d', math.floor(number / 60) % 60, number % 60)
                redis.call('SET', 'dms:task:' .. id, '{"task_id":"' .. id .. '","service":"copy","user_id":"ada",' ..
                    '"parameters":{},"priority":"low","status":"completed","enqueued_at":"' .. time ..
                    '","updated_at":"' .. time .. '"}')
                redis.call('SADD', 'dms:task:index', id)
            end
            """
        for start in stride(from: 1, to: count, by: 5000) { try await redis.call("EVAL", script, "0", "\(start)") }
    }

    @Test func `kill -9 while the order is built, again and again, loses no task`() async throws {
        try await TestRedis.with { redis in
            try await ListProgramTests.fill(redis)
            try await withFolder { folder in
                for _ in 0..<4 {
                    let before = try await redis.call("ZCARD", "dms:enqueued")
                    let scheduler = try await SchedulerProcess.start(
                        ["--redis-writer-url", "\(redis.url)"], folder: folder)
                    try await eventually {
                        let ordered = try await redis.call("ZCARD", "dms:enqueued")
                        return ordered != before || ordered == .integer(ListProgramTests.count)
                    }
                    try await scheduler.crash()
                }
                let scheduler = try await SchedulerProcess.start(
                    ["--redis-writer-url", "\(redis.url)"], folder: folder)
                try await eventually { try await scheduler.http("GET", "/tasks?limit=1").status == 200 }
                let client = scheduler.client()
                var ids: [String] = []
                var times: [Timestamp] = []
                for try await task in client.tasks.all(TaskQuery(pageSize: 1000)) {
                    ids.append(task.taskID.text)
                    times.append(task.enqueuedAt)
                }
                #expect(ids.count == ListProgramTests.count)
                #expect(Set(ids).count == ids.count)
                #expect(times == times.sorted())
                await client.close()
                _ = try await scheduler.terminate()
            }
        }
    }

    @Test func `an admin lists tasks`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            for id in ["a", "b", "c"] {
                let submitted = try await scheduler.run(
                    "dms-admin", "submit", "--id", id, "--service", "copy", "--user", "ada", "--parameters", "{}")
                #expect(submitted.code == 0, "\(submitted.errors)")
            }
            try await eventually { try await scheduler.http("GET", "/tasks").status == 200 }
            let whole = try await scheduler.run("dms-admin", "list", "--status", "queued", "--status", "failed")
            #expect(whole.code == 0, "\(whole.errors)")
            #expect(whole.output.split(separator: "\n").map { $0.prefix(1) } == ["T", "a", "b", "c"])
            let newest = try await scheduler.run("dms-admin", "list", "--newest-first", "--limit", "2", "--json")
            let ids = newest.output.matches(of: /"task_id":"(.)"/).map { String($0.1) }
            #expect(ids == ["c", "b"])
            let cursor = try #require(newest.output.firstMatch(of: /"next_cursor":"([^"]+)"/)).1
            let rest = try await scheduler.run("dms-admin", "list", "--newest-first", "--cursor", String(cursor))
            #expect(rest.output.split(separator: "\n").map { $0.prefix(1) } == ["T", "a"])
            // What people are told works as it stands, whatever the cursor begins with.
            let first = try await scheduler.run("dms-admin", "list", "--limit", "2")
            let hint = try #require(first.output.firstMatch(of: /There may be more: (--cursor .+)\n/)).1
            let words = hint.split(separator: " ").map(String.init)
            let behind = try await scheduler.run("dms-admin", "list", words[0], words[1])
            #expect(behind.output.split(separator: "\n").map { $0.prefix(1) } == ["T", "c"], "\(behind.errors)")
            let refused = try await scheduler.run("dms-admin", "list", "--cursor", String(cursor))
            #expect(refused.code == 1)
            #expect(refused.errors.contains("page_token"))
            _ = try await scheduler.terminate()
        }
    }
}
