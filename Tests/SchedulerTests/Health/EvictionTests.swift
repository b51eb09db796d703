import DMSModel
import Logging
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// A Redis that removes by itself what it was given, or keeps nothing on disk.
@Suite struct EvictionTests {
    private static let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]

    private func with(
        _ arguments: [String] = [], log: LogRecorder = LogRecorder(), interval: Duration = .milliseconds(20),
        response: EvictionResponse = .refuse, _ body: (Harness) async throws -> Void
    ) async throws {
        try await Harness.with(
            redis: arguments, log: log,
            configure: {
                $0.healthInterval = interval
                $0.evictionResponse = response
            }, body)
    }

    @Test(arguments: ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
    func `a Redis that may evict tasks is given none, from the first call on, and the log says so once`(
        policy: String
    ) async throws {
        let log = LogRecorder()
        try await with(["--maxmemory", "100mb", "--maxmemory-policy", policy], log: log) { harness in
            // The calls go to both event loops.
            for id in ["a", "b", "c", "d"] { try await expectRefusal(of: id, policy, harness) }
            #expect(try await harness.redis.call("EXISTS", "dms:sequence").integer == 0)
            let unready = try await Harness.failure { try await harness.pool.checkStore() }
            #expect(unready?.message.contains(policy) == true)
            #expect(log.loud.count { $0.message == "Redis may evict tasks: submissions are refused" } == 1)

            try await harness.redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
            try await eventually { try await Harness.refusal { try await harness.enqueue("a") } == nil }
            try await harness.pool.checkStore()
            try await eventually { log.loud.count { $0.message == "Redis evicts nothing" } == 1 }
        }
    }

    private func expectRefusal(of id: String, _ policy: String, _ harness: Harness) async throws {
        let failure = try await Harness.failure { try await harness.enqueue(id) }
        #expect(failure?.reason == .storeUnavailable)
        #expect(failure?.message.contains("maxmemory-policy is \(policy)") == true)
        #expect(failure?.message.contains("maxmemory-policy noeviction") == true)
        #expect(failure?.retryAfter == .seconds(10))
    }

    @Test func `a policy that is changed while all connections stand is seen, and what is there can be drained`()
        async throws
    {
        try await with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "100mb")
            try await harness.enqueue("e")
            try await harness.redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            try await eventually { try await Harness.refusal { try await harness.enqueue("a") } == .storeUnavailable }
            let held = try await harness.lease(2)
            #expect(try await harness.finish(held[0].reference).status == .completed)
            #expect(try await harness.giveBack(held[1].reference).status == .queued)
            #expect(try await harness.cancel("c").status == .canceled)
            #expect(try await harness.setPriority("d", .high).priority == .high)
            #expect(try await harness.get("d").queuePosition?.globalPosition == 1)
            #expect(try await harness.nextIDs(5) == ["d", "b", "e"])
        }
    }

    @Test func `a server that a connection is made to later is looked at before it is given a task`() async throws {
        try await with(interval: .seconds(3600)) { harness in
            try await harness.enqueue("a")
            try await harness.redis.evictTasks()
            try await eventually {
                let failure = try await Harness.failure { try await harness.pool.checkStore() }
                return failure?.message.contains("allkeys-lru") == true
            }
            #expect(try await Harness.refusal { try await harness.enqueue("c") } == .storeUnavailable)
        }
    }

    @Test func `where an operator says so tasks are taken all the same, and the log warns`() async throws {
        let log = LogRecorder()
        try await with(EvictionTests.evicting, log: log, response: .warn) { harness in
            try await harness.enqueue("a")
            try await harness.pool.checkStore()
            #expect(log.loud.contains { $0.level == .warning && $0.message.hasPrefix("Redis may evict tasks") })
            #expect(harness.pool.health.findings?.eviction == .anything)
        }
    }

    @Test(arguments: ["volatile-lru", "volatile-ttl"])
    func `a Redis that may evict cached responses only is given tasks, and the log warns`(policy: String) async throws {
        let log = LogRecorder()
        try await with(["--maxmemory", "100mb", "--maxmemory-policy", policy], log: log) { harness in
            try await harness.enqueue("a")
            try await harness.pool.checkStore()
            #expect(log.loud.contains { $0.message.hasPrefix("Redis may evict cached responses") })
            #expect(harness.pool.health.findings?.eviction == .expiring)
        }
    }

    @Test(arguments: [["--maxmemory-policy", "allkeys-lru"], ["--maxmemory", "100mb"]])
    func `without a bound, or without eviction, nothing is said`(arguments: [String]) async throws {
        let log = LogRecorder()
        try await with(arguments, log: log) { harness in
            try await harness.enqueue("a")
            #expect(harness.pool.health.findings?.eviction == .nothing)
            #expect(!log.loud.contains { $0.message.contains("evict") })
        }
    }

    @Test func `a user who may not call CONFIG learns it all the same, one without INFO is warned of that`()
        async throws
    {
        for (closed, isRefused) in [("-config", true), ("-info", false)] {
            let log = LogRecorder()
            try await TestRedis.with(arguments: EvictionTests.evicting) { redis in
                try await redis.call("ACL", "SETUSER", "dms", "on", ">pw", "~*", "&*", "+@all", closed)
                try await Harness.with(
                    redis, log: log,
                    configure: {
                        $0.writer.user = "dms"
                        $0.writer.password = "pw"
                    }
                ) { pool in
                    let harness = Harness(redis: redis, pool: pool)
                    let refusal = try await Harness.refusal { try await harness.enqueue("a") }
                    #expect(refusal == (isRefused ? .storeUnavailable : nil))
                    #expect(log.loud.contains { $0.message.contains("does not say whether it evicts") } != isRefused)
                    #expect(
                        log.loud.contains { $0.message.contains("does not say whether it saves snapshots") }
                            == isRefused)
                }
            }
        }
    }

    @Test func `a Redis that keeps nothing on disk is told of once, one with a file or snapshots is not`() async throws
    {
        for (arguments, file, snapshots) in [
            ([], false, false), (["--appendonly", "yes"], true, false), (["--save", "3600 1"], false, true),
        ] {
            let log = LogRecorder()
            try await with(arguments, log: log) { harness in
                try await eventually { harness.pool.health.findings != nil }
                #expect(harness.pool.health.findings?.hasAppendOnlyFile == file)
                #expect(harness.pool.health.findings?.savesSnapshots == snapshots)
                let said = log.loud.count { $0.message.hasPrefix("Redis keeps nothing on disk") }
                #expect(said == (file || snapshots ? 0 : 1))
            }
        }
    }
}
