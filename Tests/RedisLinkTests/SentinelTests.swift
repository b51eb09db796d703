import NIOCore
import RedisLink
import TestSupport
import Testing

@Suite struct SentinelTests {
    @Test func `the sentinels say where the master is, and a replica is read from where one is asked for`() async throws
    {
        try await TestSentinels.with { group in
            try await LinkHarness.with(try group.url("/1"), loops: 2) { link async throws in
                try await link.call("SET", "a", "1")
                #expect(try await link.call("ROLE").array?.first?.string == "master")
                #expect(try await link.call("CLIENT", "INFO").string?.contains(" db=1 ") == true)
            }
            try await LinkHarness.with(try group.url("/1?role=replica")) { link async throws in
                #expect(try await link.call("ROLE").array?.first?.string == "slave")
                try await eventually { try await link.call("GET", "a").string == "1" }
            }
        }
    }

    @Test func `one sentinel is enough, and without a replica the master is read from`() async throws {
        try await TestSentinels.with(replicas: 0) { group in
            try await group.killSentinel(0)
            try await group.killSentinel(2)
            try await LinkHarness.with(try group.url("?role=replica")) { link async throws in
                #expect(try await link.call("ROLE").array?.first?.string == "master")
            }
        }
    }

    @Test func `sentinels and servers may ask for passwords of their own`() async throws {
        let lines = ["requirepass sentinel-pw", "sentinel auth-pass \(TestSentinels.master) server-pw"]
        let arguments = ["--requirepass", "server-pw", "--masterauth", "server-pw"]
        try await TestSentinels.with(arguments: arguments, sentinelLines: lines) { group in
            let right = try group.url("?sentinel_password=sentinel-pw", credentials: "server-pw@")
            try await LinkHarness.with(right) { link async throws in
                #expect(try await link.call("PING").string == "PONG")
                let master = try #require(try await group.currentMaster())
                try await master.kill()
                let new = try await group.failover(from: master)
                try await eventually { (try? await link.call("SET", "a", "1")) != nil }
                #expect(try await new.call("GET", "a").string == "1")
            }
            for (url, word) in [
                (try group.url("", credentials: "server-pw@"), "NOAUTH"),
                (try group.url("?sentinel_password=geheim", credentials: "server-pw@"), "does not let us in"),
                (try group.url("?sentinel_password=sentinel-pw", credentials: "geheim@"), "WRONGPASS"),
            ] {
                try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                    try await link.expectNotReady(word)
                    #expect(!link.log.lines.contains { $0.metadata.contains("geheim") })
                }
            }
        }
    }

    @Test func `a name that the sentinels do not know, and a place without sentinels, are said`() async throws {
        try await TestSentinels.with(replicas: 0, sentinels: 1) { group in
            var url = try group.url()
            guard case .sentinel(var sentinels) = url.servers else { return }
            sentinels.master = "another"
            url.servers = .sentinel(sentinels)
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("no sentinel knows a master 'another'")
            }
            // A server in place of a sentinel, and a sentinel in place of a server.
            let server = try RedisURL("redis+sentinel://127.0.0.1:\(group.servers[0].port)/mymaster")
            try await LinkHarness.with(server, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("unknown command")
            }
            let sentinel = RedisURL(servers: .one(sentinels.addresses[0]), role: .master)
            try await LinkHarness.with(sentinel, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("redis+sentinel://")
            }
        }
        let nobody = try RedisURL("redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster")
        try await LinkHarness.with(nobody, options: LinkHarness.quick, ready: false) { link async throws in
            try await link.expectNotReady("127.0.0.1:2: ")
        }
    }

    @Test func `a master that is asked to go is left at once, and calls in flight get their fate`() async throws {
        try await TestSentinels.with { group in
            try await LinkHarness.with(try group.url(), loops: 2) { link async throws in
                let old = try #require(try await group.currentMaster())
                let blocked = try await link.sendBlocking(old)
                try await group.askForFailover()
                #expect(await Fate.of { _ = try await blocked.get() } == .outcomeUnknown)
                let new = try await group.failover(from: old)
                try await eventually { (try? await link.call("SET", "a", "1")) != nil }
                try await link.client.ready(within: .seconds(10))
                #expect(try await new.call("GET", "a").string == "1")
            }
        }
    }

    @Test func `a master that freezes is left when the sentinels say so, not when the call times out`() async throws {
        try await TestSentinels.with { group in
            var options = RedisOptions()
            options.commandTimeout = .seconds(60)
            try await LinkHarness.with(try group.url(), options: options, loops: 2) { link async throws in
                let old = try #require(try await group.currentMaster())
                try await link.call("SET", "before", "1")
                old.pause()
                let fate = await Fate.of { try await link.call("SET", "lost", "1") }
                #expect(fate == .outcomeUnknown)
                let new = try await group.failover(from: old)
                let clock = ContinuousClock()
                let start = clock.now
                try await link.client.ready(within: .seconds(10))
                #expect(clock.now - start < .seconds(2))
                try await link.call("SET", "after", "1")
                #expect(try await new.call("GET", "after").string == "1")
                old.resume()
            }
        }
    }

    @Test func `a link that reads from a replica stays there when the master moves, and leaves it when it dies`()
        async throws
    {
        try await TestSentinels.with(replicas: 2) { group in
            try await LinkHarness.with(try group.url("?role=replica")) { link async throws in
                let master = try #require(try await group.currentMaster())
                let port = try await link.call("CONFIG", "GET", "port").array?.last?.integer
                let read = try #require(group.servers.first { $0.tcpPort == port })
                #expect(read.port != master.port)
                try await read.kill()
                try await link.client.ready(within: .seconds(10))
                // The sentinels may not have noticed yet, so that some attempts go nowhere.
                try await eventually {
                    let port = try? await link.call("CONFIG", "GET", "port").array?.last?.integer
                    return port != nil && port != read.port
                }
            }
        }
    }
}
