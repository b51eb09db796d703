import NIOCore
import RedisLink
import TestSupport
import Testing

@Suite struct ScriptTests {
    static let echo = RedisScript(name: "echo", source: "return {KEYS, ARGV}")
    static let add = RedisScript(name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    static let keys: RedisKeys = ["fixed:a", "fixed:ü"]

    @Test func `a script sees the fixed keys, then the call's own, then the arguments`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.echo]) { link async throws in
                let value = try await link.onLoop { connection in
                    connection.evaluate(
                        Self.echo, keys: Self.keys, callKeys: 1, arguments: 3,
                        { words in
                            words.append("own")
                            words.append("x\r\ny")
                            words.append(-42)
                            words.append(ByteBuffer(bytes: [0, 0xFF]))
                        }, decode: { reply throws(RedisError) in try RedisValue(reply) })
                }
                let words = try #require(value.array)
                #expect(words[0].array?.map(\.string) == ["fixed:a", "fixed:ü", "own"])
                #expect(
                    words[1].array == [
                        .bytes(ByteBuffer(string: "x\r\ny")), .bytes(ByteBuffer(string: "-42")),
                        .bytes(ByteBuffer(bytes: [0, 0xFF])),
                    ])
            }
        }
    }

    @Test func `numbers of every length are written as they are`() async throws {
        var numbers = [0, .max, .min, .min + 1]
        for exponent in 0...18 {
            let power = (0..<exponent).reduce(1) { power, _ in 10 * power }
            numbers += [power, power - 1, power + 1, -power]
        }
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.echo]) { link async throws in
                let arguments = numbers.map { RedisArgument.integer($0) }
                let value = try await link.evaluate(Self.echo, keys: [], arguments: arguments)
                #expect(value.array?[1].array?.map(\.string) == numbers.map(\.description))
            }
        }
    }

    @Test func `a call without words of its own is one of the fixed keys only`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.echo]) { link async throws in
                let value = try await link.onLoop { connection in
                    connection.evaluate(Self.echo, keys: Self.keys, [], []) { reply throws(RedisError) in
                        try RedisValue(reply)
                    }
                }
                #expect(value.array?[0].array?.map(\.string) == ["fixed:a", "fixed:ü"])
                #expect(value.array?[1] == .array([]))
            }
        }
    }

    @Test func `calls go by the digest, not by the source`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.add]) { link async throws in
                for _ in 0..<3 { try await link.evaluate(Self.add, keys: ["n"], arguments: [.integer(1)]) }
                let statistics = try await redis.call("INFO", "commandstats").string ?? ""
                #expect(statistics.contains("cmdstat_evalsha:calls=3"))
                #expect(!statistics.contains("cmdstat_eval:"))
            }
        }
    }

    @Test func `scripts that Redis forgot are loaded again on the way, and every call is done once`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.add, Self.echo]) { link async throws in
                try await redis.call("SCRIPT", "FLUSH")
                let values = try await link.onLoop { connection in
                    EventLoopFuture.whenAllSucceed(
                        (1...100).map { number in
                            connection.evaluate(Self.add, keys: ["sum"], [], [.integer(number)]) {
                                reply throws(RedisError) in try reply.integer()
                            }
                        }, on: connection.eventLoop)
                }
                #expect(values == (1...100).map { $0 * ($0 + 1) / 2 })
                #expect(try await redis.call("GET", "sum").string == "5050")
                let evals = try await redis.call("INFO", "commandstats").string ?? ""
                try await link.evaluate(Self.add, keys: ["sum"], arguments: [.integer(1)])
                let after = try await redis.call("INFO", "commandstats").string ?? ""
                #expect(evals.contains("cmdstat_eval:calls=100"))
                #expect(after.contains("cmdstat_eval:calls=100"))
            }
        }
    }

    @Test func `a forgotten script between other commands keeps everybody's answer`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, scripts: [Self.echo]) { link async throws in
                try await redis.call("SCRIPT", "FLUSH")
                let texts = try await link.onLoop { connection in
                    EventLoopFuture.whenAllSucceed(
                        (0..<20).map { number in
                            if number.isMultiple(of: 2) {
                                return connection.send(RedisCommand("ECHO", "\(number)")) { reply throws(RedisError) in
                                    try reply.text()
                                }
                            }
                            return connection.evaluate(Self.echo, keys: [], ["\(number)"], []) {
                                reply throws(RedisError) in try reply[0][0].text()
                            }
                        }, on: connection.eventLoop)
                }
                #expect(texts == (0..<20).map { "\($0)" })
            }
        }
    }

    @Test func `a script that the link does not know beforehand goes by its source`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url) { link async throws in
                #expect(try await link.evaluate(Self.add, keys: ["n"], arguments: [.integer(5)]) == .integer(5))
                #expect(try await link.evaluate(Self.add, keys: ["n"], arguments: [.integer(5)]) == .integer(10))
            }
        }
    }

    @Test func `a script that is no Lua keeps the link from being ready, and its name is said`() async throws {
        try await TestRedis.with { redis in
            let broken = RedisScript(name: "broken_one", source: "this is no Lua")
            try await LinkHarness.with(redis.url, options: LinkHarness.quick, scripts: [broken], ready: false) {
                link async throws in
                try await link.expectNotReady("broken_one")
            }
        }
    }

    @Test func `an error inside a script is the call's error`() async throws {
        try await TestRedis.with { redis in
            try await redis.call("SET", "text", "x")
            try await LinkHarness.with(redis.url, scripts: [Self.add]) { link async throws in
                let fate = await Fate.of {
                    try await link.evaluate(Self.add, keys: ["text"], arguments: [.integer(1)])
                }
                #expect(fate == .reply("ERR"))
            }
        }
    }

    @Test func `scripts are loaded again into a Redis that was started anew`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick, scripts: [Self.add]) {
                link async throws in
                try await redis.restart()
                try await eventually {
                    await Fate.of {
                        try await link.evaluate(Self.add, keys: ["n"], arguments: [.integer(1)])
                    } == .answered
                }
                #expect(try await redis.call("INFO", "commandstats").string?.contains("cmdstat_eval:") == false)
            }
        }
    }
}
