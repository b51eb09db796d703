import NIOCore
import RedisLink
import TestSupport
import Testing

/// Writes that replicas have to confirm.
@Suite struct ReplicaTests {
    fileprivate static let increment = RedisScript(
        name: "increment", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    private static let unheeded = RedisScript(
        name: "unheeded", source: "return redis.call('INCR', KEYS[1])", awaitsReplicas: false)
    private static let all = [increment, unheeded]

    private static func options(_ replicas: Int, within limit: Duration = .seconds(10)) -> RedisOptions {
        RedisOptions(minReplicas: replicas, replicaTimeout: limit)
    }

    @Test func `an answer counts when the replicas have it`() async throws {
        try await TestRedis.with(replicas: 2) { servers in
            try await LinkHarness.with(servers[0].url, options: Self.options(2), scripts: Self.all) {
                link async throws in
                for number in 1...20 {
                    #expect(try await link.add(1) == .integer(number))
                    for replica in servers.dropFirst() {
                        #expect(try await replica.call("GET", "n").string == "\(number)")
                    }
                }
            }
        }
    }

    @Test func `without the replicas the outcome is unknown, in the time that was set, for all that waits together`()
        async throws
    {
        try await TestRedis.with(replicas: 1) { servers in
            let options = Self.options(1, within: .milliseconds(150))
            try await LinkHarness.with(servers[0].url, options: options, scripts: Self.all) { link async throws in
                servers[1].pause()
                let clock = ContinuousClock()
                let start = clock.now
                let fates = try await link.onLoop { connection in
                    let calls = (0..<50).map { _ in
                        connection.evaluate(
                            Self.increment, keys: ["n"], arguments: 1, { words in words.append(1) },
                            decode: { reply throws(RedisError) in try reply.integer() })
                    }
                    // What was sent in other ticks meanwhile waits too, but not for as many time-outs.
                    let later = connection.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) {
                        connection.evaluate(
                            Self.increment, keys: ["n"], arguments: 1, { words in words.append(1) },
                            decode: { reply throws(RedisError) in try reply.integer() })
                    }.futureResult.flatMap { $0 }
                    return EventLoopFuture.whenAllComplete(calls + [later], on: connection.eventLoop)
                }
                let took = clock.now - start
                for fate in fates {
                    let error = #expect(throws: RedisError.self) { try fate.get() }
                    #expect(error?.description.contains("0 of 1 replicas confirmed it") == true)
                }
                #expect(took > .milliseconds(290) && took < .seconds(3), "\(took)")
                #expect(try await servers[0].call("GET", "n").string == "51")
                // What nobody has to confirm is answered, and so are errors.
                #expect(try await link.evaluate(Self.unheeded, keys: ["n"]) == .integer(52))
                try await servers[0].call("SET", "text", "x")
                #expect(await Fate.of { try await link.add(1, to: "text") } == .reply("ERR"))
                servers[1].resume()
                try await eventually { (try? await link.add(1)) != nil }
            }
        }
    }

    @Test func `an answer that was not confirmed can be given all the same, by who says what it means`() async throws {
        try await TestRedis.with(replicas: 0) { servers in
            let options = Self.options(1, within: .milliseconds(50))
            try await LinkHarness.with(servers[0].url, options: options, scripts: Self.all) { link async throws in
                let answer = try await link.onLoop { connection in
                    connection.evaluate(
                        Self.increment, keys: ["n"], arguments: 1, { words in words.append(7) },
                        decode: { reply throws(RedisError) in "\(try reply.integer())" },
                        unconfirmed: { value, _ in "perhaps \(value)" })
                }
                #expect(answer == "perhaps 7")
            }
        }
    }

    @Test func `a connection that falls while replicas are waited for leaves the outcome unknown`() async throws {
        try await TestRedis.with(replicas: 0) { servers in
            let redis = servers[0]
            try await LinkHarness.with(redis.url, options: Self.options(1), scripts: Self.all) { link async throws in
                async let fate = Fate.of { try await link.add(1) }
                // It waits; that its last command was a WAIT is so behind the handshake, too.
                try await eventually { try await redis.call("CLIENT", "LIST").string?.contains(" flags=b") == true }
                try await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                #expect(await fate == .outcomeUnknown)
                #expect(try await redis.call("GET", "n").string == "1")
                // The next one is not held up by what was in flight then.
                try await link.client.ready(within: .seconds(10))
                #expect(try await link.call("GET", "n").string == "1")
            }
        }
    }

    @Test func `a script that Redis forgot is confirmed too when it is repeated`() async throws {
        try await TestRedis.with(replicas: 1) { servers in
            try await LinkHarness.with(servers[0].url, options: Self.options(1), scripts: Self.all) {
                link async throws in
                try await servers[0].call("SCRIPT", "FLUSH")
                #expect(try await link.add(1) == .integer(1))
                #expect(try await servers[1].call("GET", "n").string == "1")
            }
        }
    }

    @Test func `who may not wait is not ready, and says so`() async throws {
        try await TestRedis.with { redis in
            try await redis.call("ACL", "SETUSER", "worker", "on", ">pw", "~*", "+@all", "-wait")
            var url = redis.url
            (url.user, url.password) = ("worker", "pw")
            var options = LinkHarness.quick
            options.minReplicas = 1
            try await LinkHarness.with(url, options: options, scripts: Self.all, ready: false) { link async throws in
                try await link.expectNotReady("WAIT")
            }
        }
    }

    @Test func `a link that has to write does not stay with a replica`() async throws {
        try await TestRedis.with(replicas: 1) { servers in
            let writes = RedisPlacement(role: .master)
            try await LinkHarness.with(
                servers[1].url, placement: writes, options: LinkHarness.quick, scripts: Self.all, ready: false
            ) { link async throws in
                try await link.expectNotReady("it is a replica")
                try await servers[1].call("REPLICAOF", "NO", "ONE")
                try await link.client.ready(within: .seconds(10))
                try await link.add(1)
            }
            // Who may not ask is let through, and told by the first write.
            try await servers[1].call("REPLICAOF", "127.0.0.1", "\(servers[0].port)")
            try await servers[1].call("ACL", "SETUSER", "worker", "on", ">pw", "~*", "+@all", "-role")
            var url = servers[1].url
            (url.user, url.password) = ("worker", "pw")
            try await LinkHarness.with(
                url, placement: writes, options: LinkHarness.quick, scripts: Self.all
            ) { link async throws in
                #expect(await Fate.of { try await link.add(1) } == .reply("READONLY"))
            }
        }
    }
}

extension LinkHarness {
    @discardableResult
    fileprivate func add(_ number: Int, to key: String = "n") async throws -> RedisValue {
        try await evaluate(ReplicaTests.increment, keys: [key], arguments: [.integer(number)])
    }
}
