import DMSModel
import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// Every error code of Redis, from a real redis-server in that state: what it means to a caller, that nothing was done, and
/// that all goes on when the state is over.
@Suite struct RefusalTests {
    /// What a write and a read are answered with, while Redis is in the state; and that nothing changed by it.
    private func expect(
        _ code: String, _ harness: Harness, write: SchedulerError.Reason = .storeUnavailable,
        read: SchedulerError.Reason? = nil
    ) async throws {
        let (submitted, saidOfWrite) = try await outcome { try await harness.enqueue("new") }
        #expect(submitted == write)
        #expect(saidOfWrite.contains(code), "\(saidOfWrite)")
        #expect(try await Harness.refusal { _ = try await harness.get("old") } == read)
    }

    private func outcome(
        _ body: () async throws -> Void
    ) async throws -> (reason: SchedulerError.Reason?, sentence: String) {
        do {
            try await body()
            return (nil, "")
        } catch let error as SchedulerError {
            return (error.reason, error.message)
        }
    }

    /// What comes behind the state: the refused call was not done, and everything works.
    private func expectRecovery(_ harness: Harness) async throws {
        try await eventually { try await outcome { try await harness.enqueue("new") }.reason == nil }
        try await harness.pool.ready(within: .seconds(10))
        #expect(try await harness.nextIDs(5) == ["old", "new"])
        #expect(try await harness.statistics().queued == 2)
    }

    @Test func `READONLY, a master that became a replica`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("REPLICAOF", "127.0.0.1", "1")
            try await eventually { try await outcome { try await harness.enqueue("new") }.reason != nil }
            // From now on no link for writes stays with it, so that reads over these links wait for the master too.
            try await eventually {
                try await outcome { try await harness.enqueue("new") }.sentence.contains("it is a replica")
            }
            try await harness.redis.call("REPLICAOF", "NO", "ONE")
            try await expectRecovery(harness)
        }
    }

    @Test func `MASTERDOWN, a replica without its master that does not serve stale data`() async throws {
        try await TestRedis.with(replicas: 1, arguments: ["--replica-serve-stale-data", "no"]) { servers in
            try await Harness.with(servers[0], configure: { $0.reader = servers[1].url }) { pool in
                let harness = Harness(redis: servers[0], pool: pool)
                try await harness.enqueue("old")
                try await eventually { try await harness.get("old").queuePosition != nil }
                try await servers[1].call("REPLICAOF", "127.0.0.1", "1")
                try await eventually {
                    try await Harness.refusal { _ = try await harness.get("old") } == .storeUnavailable
                }
                // Writes go to the master, which is there.
                try await harness.enqueue("new")
                try await servers[1].call("REPLICAOF", "127.0.0.1", "\(servers[0].port)")
                try await eventually { try await Harness.refusal { _ = try await harness.get("new") } == nil }
            }
        }
    }

    @Test func `LOADING, a Redis that reads its data`() async throws {
        let slow = [
            "--enable-debug-command", "yes", "--key-load-delay", "3000", "--loading-process-events-interval-bytes",
            "1024",
        ]
        try await Harness.with(redis: slow) { (harness: Harness) async throws in
            try await harness.enqueue("old")
            try await harness.redis.call("DEBUG", "POPULATE", "300", "key", "5000")
            async let reloaded = harness.redis.call("DEBUG", "RELOAD")
            try await eventually {
                let (reason, sentence) = try await outcome { _ = try await harness.get("old") }
                return reason == .storeUnavailable && sentence.contains("LOADING")
            }
            #expect(try await Harness.refusal { try await harness.enqueue("new") } == .storeUnavailable)
            _ = try await reloaded
            try await expectRecovery(harness)
        }
    }

    @Test func `OOM, a Redis without memory for more`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "1")
            try await expect("no memory left", harness, write: .storeFull)
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "0")
            try await expectRecovery(harness)
        }
    }

    @Test func `BUSY, a Redis that is held by a script`() async throws {
        try await Harness.with(redis: ["--busy-reply-threshold", "20"]) { harness in
            try await harness.enqueue("old")
            try await harness.redis.held {
                try await expectBusy(harness)
                try await harness.redis.call("SCRIPT", "KILL")
            }
            try await expectRecovery(harness)
        }
    }

    @Test func `UNKILLABLE, a script that has written and cannot be ended`() async throws {
        try await Harness.with(redis: ["--busy-reply-threshold", "20"]) { harness in
            try await harness.enqueue("old")
            try await harness.redis.held(writing: true) {
                try await expectBusy(harness)
                do {
                    try await harness.redis.call("SCRIPT", "KILL")
                    Issue.record("the script was ended")
                } catch let error as RedisError {
                    guard case .reply("UNKILLABLE", _) = error else { throw error }
                    // Nothing here sends what is refused so; where it is, nothing was done.
                    #expect(SchedulerError(store: error, wrote: true).reason == .storeUnavailable)
                }
            }
        }
    }

    private func expectBusy(_ harness: Harness) async throws {
        try await eventually { try await outcome { _ = try await harness.get("old") }.sentence.contains("BUSY") }
        try await expect("BUSY", harness, read: .storeUnavailable)
    }

    @Test func `MISCONF, a Redis that cannot save`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("CONFIG", "SET", "save", "3600 1")
            // A directory stands where the file is to be renamed to.
            try FileManager.default.createDirectory(
                atPath: "\(harness.redis.folder)/dump.rdb", withIntermediateDirectories: false)
            _ = try? await harness.redis.call("BGSAVE")
            try await eventually {
                try await harness.text("INFO", "persistence")?.contains("rdb_last_bgsave_status:err") == true
            }
            try await expect("MISCONF", harness)
            try await harness.redis.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
            try await expectRecovery(harness)
        }
    }

    @Test func `NOREPLICAS, a master without the replicas that it must have`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("CONFIG", "SET", "min-replicas-to-write", "1")
            try await expect("NOREPLICAS", harness)
            try await harness.redis.call("CONFIG", "SET", "min-replicas-to-write", "0")
            try await expectRecovery(harness)
        }
    }

    @Test func `NOSCRIPT, a Redis that forgot the scripts, is nobody's trouble`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("SCRIPT", "FLUSH")
            try await harness.enqueue("new")
            #expect(try await harness.nextIDs(5) == ["old", "new"])
        }
    }

    @Test func `NOAUTH and WRONGPASS, a login that is no longer right`() async throws {
        try await TestRedis.with { redis in
            try await redis.call("ACL", "SETUSER", "dms", "on", ">pw", "~*", "&*", "+@all")
            try await Harness.with(
                redis,
                configure: {
                    $0.writer.user = "dms"
                    $0.writer.password = "pw"
                }
            ) { pool in
                let harness = Harness(redis: redis, pool: pool)
                try await harness.enqueue("old")
                // Redis closes the connections of a user that is gone.
                try await redis.call("ACL", "DELUSER", "dms")
                try await eventually {
                    try await outcome { try await harness.enqueue("new") }.sentence.contains("WRONGPASS")
                }
                #expect(try await Harness.refusal { _ = try await harness.get("old") } == .storeUnavailable)
                try await redis.call("ACL", "SETUSER", "dms", "on", ">pw", "~*", "&*", "+@all")
                try await expectRecovery(harness)
            }
            try await Harness.with(redis) { pool in
                let harness = Harness(redis: redis, pool: pool)
                // The connections that are there are logged in; the next ones are not.
                try await redis.call("CONFIG", "SET", "requirepass", "secret")
                try await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                try await eventually {
                    try await outcome { try await harness.enqueue("new") }.sentence.contains("NOAUTH")
                }
                try await redis.call("CONFIG", "SET", "requirepass", "")
                try await eventually { try await outcome { _ = try await harness.get("old") }.reason == nil }
            }
        }
    }

    @Test func `NOPERM, a user that may not do it`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("old")
            try await harness.redis.call("ACL", "SETUSER", "default", "-evalsha")
            try await expect("NOPERM", harness, read: .storeUnavailable)
            try await harness.redis.call("ACL", "SETUSER", "default", "+evalsha")
            try await expectRecovery(harness)
        }
    }

    @Test func `CLUSTERDOWN, a cluster that does not hold our keys`() async throws {
        try await TestCluster.with { cluster in
            try await with(cluster) { harness in
                try await harness.enqueue("old")
                let slot = "\(ClusterSlot.of("{dms}"))"
                try await cluster.abandon(slotOf: "{dms}")
                // Nodes that find that nobody holds the slot say so; one that lost it forgot the keys in it, too.
                try await eventually {
                    let (reason, sentence) = try await outcome { try await harness.enqueue("new") }
                    return reason == .storeUnavailable && sentence.contains("holds the slot")
                }
                try await harness.redis.call("CLUSTER", "ADDSLOTS", slot)
                try await eventually { try await outcome { try await harness.enqueue("new") }.reason == nil }
            }
        }
    }

    @Test func `TRYAGAIN and MOVED, a slot that goes to another node`() async throws {
        try await TestCluster.with { cluster in
            try await with(cluster) { harness in
                try await harness.enqueue("old")
                let target = try #require(cluster.nodes.first { $0 !== harness.redis })
                try await cluster.beginMove(of: "{dms}", to: target)
                let (reason, sentence) = try await outcome { try await harness.enqueue("new") }
                #expect(reason == .storeUnavailable)
                #expect(sentence.contains("TRYAGAIN"))
                try await cluster.endMove(of: "{dms}", to: target)
                try await expectRecovery(harness)
                #expect(try await target.call("EXISTS", "{dms}:stats").integer == 1)
            }
        }
    }

    private func with(_ cluster: TestCluster, _ body: (Harness) async throws -> Void) async throws {
        let owner = cluster.owner(of: "{dms}")
        let url = try cluster.url()
        try await Harness.with(
            owner,
            configure: {
                $0.writer = url
                $0.keyPrefix = "{dms}"
            }
        ) { try await body(Harness(redis: owner, pool: $0)) }
    }
}

extension TestRedis {
    /// Runs the body while a script holds Redis that does not end by itself.
    fileprivate func held(writing: Bool = false, _ body: () async throws -> Void) async throws {
        let holder = RedisClient(
            url: url, options: RedisOptions(commandTimeout: .seconds(60)),
            eventLoops: [MultiThreadedEventLoopGroup.singleton.any()],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        holder.start()
        try await holder.ready(within: .seconds(10))
        let source = (writing ? "redis.call('SET', 'spun', '1') " : "") + "while true do end"
        async let holding = try? holder.call("EVAL", source, "0")
        do {
            try await body()
            holder.shutdown()
            _ = await holding
        } catch {
            holder.shutdown()
            throw error
        }
    }
}
