import NIOCore
import RedisLink
import TestSupport
import Testing

@Suite struct CommandTests {
    @Test func `ten thousand commands of one tick are answered in order`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                let values = try await link.onLoop { connection in
                    EventLoopFuture.whenAllSucceed(
                        (0..<10_000).map { _ in
                            connection.send(RedisCommand("INCR", "n")) { reply throws(RedisError) in try reply.integer()
                            }
                        }, on: connection.eventLoop)
                }
                #expect(values == Array(1...10_000))
            }
        }
    }

    @Test func `commands of many ticks and loops are each answered with their own`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, loops: 3) { link async throws in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for worker in 0..<24 {
                        tasks.addTask { () async throws in
                            for number in 0..<50 {
                                let text = "\(worker)/\(number)"
                                #expect(try await link.call("ECHO", text).string == text)
                            }
                        }
                    }
                    try await tasks.waitForAll()
                }
                var ids: Set<Int> = []
                for loop in link.loops {
                    let future = loop.flatSubmit { [client = link.client] in
                        client.connection(on: loop).send(RedisCommand("CLIENT", "ID")) { reply throws(RedisError) in
                            try reply.integer()
                        }
                    }
                    ids.insert(try await future.get())
                }
                #expect(ids.count == 3)
            }
        }
    }

    @Test(arguments: [0, 1, 1 << 20, 5 << 20])
    func `a string comes back as it went, whatever its bytes`(count: Int) async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                let content = ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                try await link.call("SET", [.text("key"), .bytes(content)])
                #expect(try await link.call("GET", "key") == .bytes(content))
            }
        }
    }

    @Test func `every kind of answer of a real Redis is read`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                #expect(try await link.call("SET", "a", "1") == .status("OK"))
                #expect(try await link.call("INCRBY", [.text("a"), .integer(-3)]) == .integer(-2))
                #expect(try await link.call("GET", "missing") == .null)
                #expect(try await link.call("LRANGE", "missing", "0", "-1") == .array([]))
                let nested = "return {1, {'x', {false}}, redis.error_reply('OOPS gone'), redis.status_reply('fine')}"
                #expect(
                    try await link.call("EVAL", nested, "0")
                        == .array([
                            .integer(1), .array([.bytes(ByteBuffer(string: "x")), .array([.null])]),
                            .error(.reply(code: "OOPS", message: "gone")), .status("fine"),
                        ]))
            }
        }
    }

    @Test func `an error answer fails its own call only`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                try await link.call("SET", "a", "text")
                let before = try await link.call("CLIENT", "ID")
                #expect(await Fate.of { try await link.call("LPOP", "a") } == .reply("WRONGTYPE"))
                #expect(await Fate.of { try await link.call("INCR", "a") } == .reply("ERR"))
                #expect(await Fate.of { try await link.call("NOSUCH") } == .reply("ERR"))
                #expect(try await link.call("GET", "a").string == "text")
                #expect(try await link.call("CLIENT", "ID") == before)
            }
        }
    }

    @Test func `an answer of another shape fails its own call only`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                let fate = await Fate.of {
                    _ = try await link.onLoop { connection in
                        connection.send(RedisCommand("PING")) { reply throws(RedisError) in try reply.integer(at: 3) }
                    }
                }
                #expect(fate == .unexpectedReply)
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }

    @Test func `a Redis without memory says so`() async throws {
        try await TestRedis.with(arguments: ["--maxmemory", "1"]) { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                #expect(await Fate.of { try await link.call("SET", "a", "b") } == .reply("OOM"))
            }
        }
    }

    @Test func `a Redis that is busy with a script says so and keeps its connection`() async throws {
        try await TestRedis.with(arguments: ["--busy-reply-threshold", "20"]) { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                async let endless = Fate.of { try await link.call("EVAL", "while true do end", "0") }
                try await eventually { await Fate.of { try await redis.call("PING") } == .reply("BUSY") }
                try await redis.call("SCRIPT", "KILL")
                #expect(await endless == .reply("ERR"))
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }
}
