import DMSModel
import Logging
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// Whether the Redis that reads go to has what was written.
@Suite struct ReaderTests {
    private func with(
        _ writer: TestRedis, reader: TestRedis, log: LogRecorder = LogRecorder(),
        _ body: (Harness) async throws -> Void
    ) async throws {
        try await Harness.with(
            writer, log: log,
            configure: {
                $0.reader = reader.url
                $0.healthInterval = .milliseconds(20)
            }
        ) { try await body(Harness(redis: writer, pool: $0)) }
    }

    private func said(_ log: LogRecorder) -> [String] {
        log.loud.map(\.message).filter { $0.hasPrefix("The reader") }
    }

    @Test func `a reader that is another Redis is not read from, and the log says so once`() async throws {
        let log = LogRecorder()
        try await TestRedis.with { writer in
            try await TestRedis.with { reader in
                try await with(writer, reader: reader, log: log) { harness in
                    try await harness.enqueue("a")
                    #expect(try await harness.statistics().overview.low == 1)
                    #expect(try await harness.get("a").queuePosition?.globalPosition == 1)
                    #expect(try await Harness.refusal { _ = try await harness.get("b") } == .taskNotFound)
                    try await eventually { said(log).count == 1 }
                    #expect(log.loud.contains { $0.level == .error && $0.message.contains("another Redis") })
                    #expect(harness.pool.health.findings?.isReaderRelated == false)
                    // It is there, and answers.
                    try await harness.pool.checkStore()
                }
            }
        }
    }

    @Test func `a replica, and a replica of it, are read from`() async throws {
        try await TestRedis.with(replicas: 2) { servers in
            try await servers[2].call("REPLICAOF", "127.0.0.1", "\(servers[1].port)")
            try await eventually {
                try await servers[2].call("INFO", "replication").string?.contains("master_link_status:up") == true
            }
            for reader in servers.dropFirst() {
                let log = LogRecorder()
                try await with(servers[0], reader: reader, log: log) { harness in
                    try await eventually { harness.pool.health.findings?.isReaderRelated == true }
                    try await reader.call("CONFIG", "SET", "replica-read-only", "no")
                    try await reader.call("HSET", "dms:stats", "queued", "41")
                    #expect(try await harness.statistics().queued == 41)
                    #expect(said(log).isEmpty)
                }
            }
        }
    }

    @Test func `a replica that is made a master of its own is left, and read from again when it follows`() async throws
    {
        let log = LogRecorder()
        try await TestRedis.with(replicas: 1) { servers in
            try await with(servers[0], reader: servers[1], log: log) { harness in
                try await eventually { harness.pool.health.findings?.isReaderRelated == true }
                try await servers[1].call("REPLICAOF", "NO", "ONE")
                try await eventually { harness.pool.health.readsAtWriter }
                try await harness.enqueue("a")
                #expect(try await harness.statistics().queued == 1)
                try await eventually { said(log).count == 1 }
                try await servers[1].call("REPLICAOF", "127.0.0.1", "\(servers[0].port)")
                try await eventually { said(log).count == 2 }
                #expect(!harness.pool.health.readsAtWriter)
                try await eventually { try await servers[1].call("EXISTS", "dms:task:a").integer == 1 }
                #expect(try await harness.get("a").record.status == .queued)
            }
        }
    }

    @Test func `a replica that waits for its master is not judged`() throws {
        func replication(_ id: String, isMaster: Bool, isFollowing: Bool = false) -> ServerReport.Replication {
            ServerReport.Replication(id: id, isMaster: isMaster, isFollowing: isFollowing)
        }
        let writer = replication("a", isMaster: true)
        #expect(writer.isShared(by: replication("a", isMaster: false)) == true)
        #expect(writer.isShared(by: replication("a", isMaster: true)) == true)
        #expect(writer.isShared(by: replication("b", isMaster: false)) == nil)
        #expect(writer.isShared(by: replication("b", isMaster: false, isFollowing: true)) == false)
        #expect(writer.isShared(by: replication("b", isMaster: true)) == false)
    }
}
