import TestSupport
import Testing

/// A whole scheduler on a Redis that is set up otherwise than tasks need it.
@Suite struct RedisHealthTests {
    private static let task = #"{"task_id":"a","service":"copy","user_id":"ada","parameters":{}}"#

    @Test func `a Redis that may evict tasks is refused, unless the operator wants a warning only`() async throws {
        try await TestRedis.with(arguments: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { redis in
            try await withFolder { folder in
                let url = ["--redis-writer-url", "\(redis.url)"]
                let strict = try await SchedulerProcess.start(url, folder: folder, waitsForRedis: false)
                try await eventually { try await strict.http("GET", "/readyz").text.contains("allkeys-lru") }
                #expect(try await strict.http("GET", "/healthz").status == 200)
                #expect(try await strict.http("POST", "/tasks", Self.task).status == 503)
                #expect(try await strict.run("dms-admin", "health").code == 1)
                #expect(strict.program.errors.contains("Redis may evict tasks: submissions are refused"))
                #expect(strict.program.errors.contains("Redis keeps nothing on disk"))
                let code = try await strict.terminate()
                #expect(code == 0)

                let warned = try await SchedulerProcess.start(url + ["--redis-eviction", "warn"], folder: folder)
                #expect(try await warned.http("POST", "/tasks", Self.task).status == 201)
                #expect(warned.program.errors.contains("Redis may evict tasks that were acknowledged"))
                let end = try await warned.terminate()
                #expect(end == 0)
            }
        }
    }

    @Test func `a reader that is another Redis is not read from, and log and metrics say so`() async throws {
        try await TestRedis.with { writer in
            try await TestRedis.with { reader in
                try await withFolder { folder in
                    let scheduler = try await SchedulerProcess.start(
                        ["--redis-writer-url", "\(writer.url)", "--redis-reader-url", "\(reader.url)"], folder: folder)
                    #expect(try await scheduler.http("POST", "/tasks", Self.task).status == 201)
                    #expect(try await scheduler.http("GET", "/queues/overview").text.contains(#""total":1"#))
                    #expect(try await scheduler.http("GET", "/metrics").text.contains("dms_redis_reader_is_replica 0"))
                    try await eventually { scheduler.program.errors.contains("The reader is another Redis") }
                    let code = try await scheduler.terminate()
                    #expect(code == 0)
                }
            }
        }
    }

    @Test func `the private Redis keeps what it is given, and nothing is said`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let figures = try MetricsText(try await scheduler.http("GET", "/metrics").text)
            #expect(figures[#"dms_redis_persistence{kind="aof"}"#] == 1)
            #expect(figures[#"dms_redis_evicts{keys="all"}"#] == 0)
            #expect(!scheduler.program.errors.contains(" warning "))
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }
}
