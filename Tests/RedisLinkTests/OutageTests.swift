import Logging
import NIOCore
import NIOPosix
import RedisLink
import TestSupport
import Testing

@Suite struct OutageTests {
    @Test func `a Redis that is killed leaves calls in flight unknown, then fails at once, then is found again`()
        async throws
    {
        try await TestRedis.with(persistent: true) { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                var options = LinkHarness.quick
                options.commandTimeout = .seconds(30)
                try await LinkHarness.with(redis.url, options: options) { patient in
                    try await patient.call("SET", "kept", "1")
                    let writing = try await patient.sendBlocking(redis)
                    let reading = try await patient.sendBlocking(redis, readOnly: true)
                    try await redis.kill()
                    #expect(await Fate.of { _ = try await writing.get() } == .outcomeUnknown)
                    #expect(await Fate.of { _ = try await reading.get() } == .unavailable)
                    // Nothing is queued: the answer is there when `send` returns.
                    let isAtOnce = try await patient.onLoop { connection in
                        let refused = connection.send(RedisCommand("PING")) { _ throws(RedisError) in }
                        let answer = NIOLoopBoundBox(false, eventLoop: connection.eventLoop)
                        refused.whenFailure { answer.value = $0 is RedisError }
                        return connection.eventLoop.makeSucceededFuture(answer.value)
                    }
                    #expect(isAtOnce)
                    #expect(await Fate.of { try await patient.call("PING") } == .unavailable)
                    try await redis.start()
                    try await patient.client.ready(within: .seconds(10))
                    #expect(try await patient.call("GET", "kept").string == "1")
                    #expect(
                        patient.log.loud.map(\.message) == [
                            "connected to Redis", "the connection to Redis is down", "connected to Redis",
                        ])
                }
                // The other link saw the same, without anything in flight.
                try await link.client.ready(within: .seconds(10))
                #expect(link.log.loud.map(\.level) == [.info, .warning, .info])
            }
        }
    }

    @Test func `a Redis that stops answering costs the time-out, then calls fail at once until it answers again`()
        async throws
    {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                redis.pause()
                let (fates, took) = try await link.onLoop { connection in
                    let start = NIODeadline.now()
                    let writing = connection.send(RedisCommand("INCR", "n")) { _ throws(RedisError) in }
                    let reading = connection.send(RedisCommand("GET", "n", readOnly: true)) { _ throws(RedisError) in }
                    return EventLoopFuture.whenAllComplete([writing, reading], on: connection.eventLoop)
                        .map { ($0, NIODeadline.now() - start) }
                }
                #expect(await Fate.of { try fates[0].get() } == .outcomeUnknown)
                #expect(await Fate.of { try fates[1].get() } == .unavailable)
                #expect(took >= .milliseconds(290) && took < .seconds(3), "\(took)")
                // The socket takes connections while the server sleeps: the handshake has the time-out.
                #expect(await Fate.of { try await link.call("PING") } == .unavailable)
                await #expect(throws: RedisError.self) { try await link.client.ready(within: .milliseconds(700)) }
                redis.resume()
                try await link.client.ready(within: .seconds(10))
                // What was unknown was done, or not.
                #expect(["1", nil].contains(try await link.call("GET", "n").string))
                #expect(link.log.loud.map(\.level) == [.info, .warning, .info])
            }
        }
    }

    @Test func `the time-out of the oldest call ends those behind it too`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, options: LinkHarness.quick) { link async throws in
                redis.pause()
                let ends = try await link.onLoop { connection in
                    // When a call of this moment is failed.
                    func end() -> EventLoopFuture<NIODeadline> {
                        connection.send(RedisCommand("PING")) { _ throws(RedisError) in NIODeadline.distantFuture }
                            .flatMapErrorThrowing { _ in .now() }
                    }
                    let loop = connection.eventLoop.assumeIsolated()
                    let later = loop.scheduleTask(in: .milliseconds(150)) { end() }.futureResult.flatMap { $0 }
                    return EventLoopFuture.whenAllSucceed([end(), later], on: connection.eventLoop)
                }
                #expect(ends[1] - ends[0] < .milliseconds(100))
                redis.resume()
            }
        }
    }

    @Test func `an idle link outlives many time-outs`() async throws {
        try await TestRedis.with { redis in
            var options = LinkHarness.quick
            options.commandTimeout = .milliseconds(300)
            try await LinkHarness.with(redis.url, options: options) { link async throws in
                let id = try await link.call("CLIENT", "ID")
                for _ in 0..<4 {
                    let sleep = link.loop.scheduleTask(in: .milliseconds(450)) {}
                    try await sleep.futureResult.get()
                    #expect(try await link.call("CLIENT", "ID") == id)
                }
            }
        }
    }

    @Test func `a link that nobody calls on pings, and leaves a Redis that went silent`() async throws {
        try await TestRedis.with { redis in
            var options = LinkHarness.quick
            options.pingInterval = .milliseconds(20)
            options.commandTimeout = .seconds(2)
            try await LinkHarness.with(redis.url, options: options) { link async throws in
                for _ in 0..<3 {
                    let id = try await link.call("CLIENT", "ID").integer ?? 0
                    try await eventually {
                        try await redis.call("CLIENT", "LIST", "ID", "\(id)").string?.contains(" cmd=ping ") == true
                    }
                    #expect(try await link.call("CLIENT", "ID").integer == id)
                }
                redis.pause()
                try await eventually { link.log.loud.contains { $0.metadata.contains("Redis did not answer within") } }
                redis.resume()
                try await link.client.ready(within: .seconds(10))
            }
        }
    }

    @Test func `a connection that Redis closes is made again`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, options: RedisOptions(backoffMin: .milliseconds(5))) {
                link async throws in
                let inFlight = try await link.sendBlocking(redis)
                let id = try await redis.call("CLIENT", "LIST").string?.split(separator: "\n")
                    .first { $0.contains("cmd=blpop") }?.split(separator: " ").first?.dropFirst(3)
                try await redis.call("CLIENT", "KILL", "ID", String(try #require(id)))
                #expect(await Fate.of { _ = try await inFlight.get() } == .outcomeUnknown)
                try await link.client.ready(within: .seconds(10))
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }

    @Test(arguments: [
        RedisURL(address: .unix(path: "/tmp/there-is-no-such-socket")),
        RedisURL(address: .tcp(host: "127.0.0.1", port: 1)), RedisURL(address: .tcp(host: "nothing.invalid", port: 1)),
    ])
    func `where nothing listens nothing is ready, and the link says why and goes on trying`(url: RedisURL) async throws
    {
        try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link in
            let error = await #expect(throws: RedisError.self) {
                try await link.client.ready(within: .milliseconds(400))
            }
            guard case .unavailable(let sentence)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(sentence.count < 200, "\(sentence)")
            #expect(await Fate.of { try await link.call("PING") } == .unavailable)
            try await eventually { link.log.loud.map(\.level) == [.warning] }
        }
    }

    @Test func `a Redis that starts later is found`() async throws {
        try await TestRedis.with { redis in
            try await redis.kill()
            try await LinkHarness.with(redis.url, options: LinkHarness.quick, ready: false) { link async throws in
                #expect(await Fate.of { try await link.call("PING") } == .unavailable)
                async let ready: Void = link.client.ready(within: .seconds(10))
                try await redis.start()
                try await ready
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }

    @Test func `a shutdown fails what is in flight, ends the run, and nothing connects again`() async throws {
        try await TestRedis.with { redis in
            try await LinkHarness.with(redis.url, loops: 2) { link async throws in
                let inFlight = try await link.sendBlocking(redis)
                link.client.shutdown()
                #expect(await Fate.of { _ = try await inFlight.get() } == .outcomeUnknown)
                #expect(await Fate.of { try await link.call("PING") } == .unavailable)
                #expect(await Fate.of { try await link.client.ready(within: .seconds(10)) } == .unavailable)
                link.client.start()
                link.client.shutdown()
                try await eventually { try await redis.call("CLIENT", "LIST").string?.contains("cmd=blpop") == false }
            }
        }
    }

    @Test func `cancelling the run shuts down`() async throws {
        try await TestRedis.with { redis in
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let client = RedisClient(url: redis.url, eventLoops: [loop], logger: .init(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await client.run() }
                try await client.ready(within: .seconds(10))
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
            #expect(await Fate.of { _ = try await client.call("PING") } == .unavailable)
        }
    }

    @Test func `a run that starts after the shutdown returns`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let client = RedisClient(
            url: RedisURL(address: .unix(path: "/tmp/none")), eventLoops: [loop], logger: .init(label: "test"))
        client.shutdown()
        try await client.run()
    }
}
