import Logging
import NIOCore
import NIOPosix
import RedisLink
import Synchronization
import TestSupport
import Testing

@Suite struct SubscriberTests {
    /// Runs the body with a subscriber to the channel `c`, and the number of times that it was ready.
    private func with(
        _ redis: TestRedis, options: RedisOptions = LinkHarness.quick,
        _ body: @escaping @Sendable (LogRecorder, _ ready: @Sendable () -> Int) async throws -> Void
    ) async throws {
        let log = LogRecorder()
        let ready = Atomic(0)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let subscriber = RedisSubscriber(
            url: redis.url, options: options, channel: "c", eventLoop: group.any(),
            logger: Logger(label: "test") { _ in log.handler },
            onReady: { ready.add(1, ordering: .relaxed) }, onMessage: { _ in })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await subscriber.run() }
            defer { subscriber.shutdown() }
            try await body(log) { ready.load(ordering: .relaxed) }
        }
        try await group.shutdownGracefully()
    }

    /// How often Redis refused a channel.
    private static func refusals(_ redis: TestRedis) async throws -> Int {
        let text = try await redis.call("INFO", "errorstats").string ?? ""
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("errorstat_NOPERM:count=") }
        return line.flatMap { Int($0.split(separator: "=").last ?? "") } ?? 0
    }

    @Test func `a channel that the user may not listen to is said once, and listened to when he may`() async throws {
        try await TestRedis.with { redis in
            try await redis.call("ACL", "SETUSER", "default", "resetchannels")
            try await with(redis) { log, ready in
                try await eventually { try await SubscriberTests.refusals(redis) >= 5 }
                #expect(log.lines.map(\.message) == ["Redis does not let us listen to a channel"])
                #expect(log.lines.first?.metadata.contains("NOPERM") == true)
                #expect(ready() == 0)
                try await redis.call("ACL", "SETUSER", "default", "&c")
                try await eventually { ready() == 1 }
                // The next refusal is news again.
                try await redis.call("ACL", "SETUSER", "default", "resetchannels")
                try await eventually { log.lines.count == 2 }
            }
        }
    }

    @Test func `it pings while it listens`() async throws {
        try await TestRedis.with { redis in
            var options = LinkHarness.quick
            options.pingInterval = .milliseconds(20)
            options.commandTimeout = .seconds(5)
            try await with(redis, options: options) { log, ready in
                try await eventually {
                    let clients = try await redis.call("CLIENT", "LIST", "TYPE", "pubsub").string ?? ""
                    return clients.contains(" cmd=ping ")
                }
                #expect(ready() == 1)
                #expect(log.lines.isEmpty)
            }
        }
    }

    @Test func `a Redis that goes away is said by the links for commands, not by this one`() async throws {
        try await TestRedis.with { redis in
            try await with(redis) { log, ready in
                try await eventually { ready() == 1 }
                try await redis.restart()
                try await eventually { ready() >= 2 }
                #expect(log.lines.isEmpty)
            }
        }
    }
}
