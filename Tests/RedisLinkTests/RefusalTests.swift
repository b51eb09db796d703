import NIOCore
import RedisLink
import TestSupport
import Testing

/// Servers that cannot serve now, and servers that are none.
@Suite struct RefusalTests {
    @Test func `a Redis that became a replica refuses the write, and another connection is looked for`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                let first = try await link.call("CLIENT", "ID")
                try await redis.call("REPLICAOF", "127.0.0.1", "1")
                let fates = try await link.onLoop { connection in
                    EventLoopFuture.whenAllComplete(
                        ["SET", "GET", "SET"].map { name in
                            connection.send(RedisCommand([name, "a"] + (name == "SET" ? ["1"] : []))) {
                                reply throws(RedisError) in reply.kind
                            }
                        }, on: connection.eventLoop)
                }
                // What was in flight behind the refusal still gets its own answer.
                #expect(fates.map { (try? $0.get()) == nil } == [true, false, true])
                for fate in [fates[0], fates[2]] {
                    #expect(await Fate.of { _ = try fate.get() } == .reply("READONLY"))
                }
                try await redis.call("REPLICAOF", "NO", "ONE")
                try await eventually {
                    await Fate.of { try await link.call("SET", "a", "1") } == .answered
                }
                #expect(try await link.call("CLIENT", "ID") != first)
            }
        }
    }

    @Test func `a replica without its master is not ready`() async throws {
        try await TestRedis.with(arguments: ["--replica-serve-stale-data", "no"]) { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                try await redis.call("REPLICAOF", "127.0.0.1", "1")
                #expect(await Fate.of { try await link.call("GET", "a") } == .reply("MASTERDOWN"))
                try await link.expectNotReady("MASTERDOWN")
                try await redis.call("REPLICAOF", "NO", "ONE")
                try await link.client.ready(within: .seconds(10))
            }
        }
    }

    @Test func `a Redis that loads its data is not ready until it has`() async throws {
        // 300 keys take three seconds: long enough for a busy machine to see it, and less than the reload's own time-out.
        let slow = [
            "--enable-debug-command", "yes", "--key-load-delay", "10000", "--loading-process-events-interval-bytes",
            "1024",
        ]
        try await TestRedis.with(arguments: slow) { redis in
            try await redis.call("DEBUG", "POPULATE", "300", "key", "5000")
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                async let reloaded = redis.call("DEBUG", "RELOAD")
                try await eventually {
                    await Fate.of { try await link.call("DBSIZE") } != .answered
                }
                try await link.expectNotReady("LOADING")
                _ = try await reloaded
                try await link.client.ready(within: .seconds(10))
                #expect(try await link.call("DBSIZE") == .integer(300))
            }
        }
    }

    @Test func `a command that waits for the tick's end when the connection falls was not sent`() async throws {
        // The garbage comes with the answer, whose callback has just sent another command.
        try await FakeServer.with(answers: ["+PONG\r\n", ":1\r\n?garbage\r\n"]) { url in
            try await LinkHarness.with(url, options: LinkHarness.quick) { link async throws in
                let fates = try await link.onLoop { connection in
                    let first = connection.send(RedisCommand("INCR", "a")) { reply throws(RedisError) in
                        try reply.integer()
                    }
                    let behind = connection.send(RedisCommand("INCR", "b")) { reply throws(RedisError) in
                        try reply.integer()
                    }
                    let unsent = first.assumeIsolated().flatMap { _ in
                        connection.send(RedisCommand("INCR", "c")) { reply throws(RedisError) in try reply.integer() }
                    }
                    return EventLoopFuture.whenAllComplete(
                        [first, behind, unsent.nonisolated()], on: connection.eventLoop)
                }
                #expect(try fates[0].get() == 1)
                #expect(await Fate.of { _ = try fates[1].get() } == .outcomeUnknown)
                #expect(await Fate.of { _ = try fates[2].get() } == .unavailable)
            }
        }
    }

    @Test(arguments: [
        "?garbage\r\n", "*2147483647\r\n", "$3\r\nabcde\r\n", ":1\r\n:2\r\n", "HTTP/1.1 400 Bad Request\r\n",
    ])
    func `a server that does not keep to the protocol is left`(answer: String) async throws {
        try await FakeServer.with(answers: ["+PONG\r\n", answer]) { url in
            try await LinkHarness.with(url, options: LinkHarness.quick) { link async throws in
                let fate = await Fate.of { try await link.call("INCR", "a") }
                #expect(fate == (answer.hasPrefix(":") ? .answered : .outcomeUnknown))
                try await eventually { link.log.loud.contains { $0.metadata.contains("malformed") } }
                try await link.client.ready(within: .seconds(10))
            }
        }
    }

    @Test(arguments: [
        [], ["-LOADING Redis is loading\r\n"], [":1\r\n"], ["?"], ["+PONG\r\n+PONG\r\n"], ["*1\r\n+PONG\r\n"],
    ])
    func `a server that does not shake hands is not ready`(answers: [String]) async throws {
        try await FakeServer.with(answers: answers) { url in
            try await LinkHarness.with(url, options: LinkHarness.quick, scripts: [], ready: false) {
                link async throws in
                if answers == ["+PONG\r\n+PONG\r\n"] {
                    try await eventually { link.log.loud.contains { $0.metadata.contains("malformed") } }
                } else {
                    await #expect(throws: RedisError.self) { try await link.client.ready(within: .milliseconds(700)) }
                }
            }
        }
    }

    @Test func `a server that closes in the middle of the handshake is tried again`() async throws {
        try await FakeServer.with(answers: [], closes: true) { url in
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("closed by Redis")
            }
        }
    }
}
