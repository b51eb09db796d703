import RedisLink
import TestSupport
import Testing

@Suite struct LoginTests {
    @Test func `a password opens a Redis that asks for one`() async throws {
        try await TestRedis.with(arguments: ["--requirepass", "p@ss/wörd %"]) { redis in
            let url = try RedisURL("unix://:p%40ss%2Fw%C3%B6rd%20%25@\(redis.folder)/redis.sock?db=3")
            try await LinkHarness.with(url) { link async throws in
                #expect(try await link.call("CLIENT", "INFO").string?.contains(" db=3 ") == true)
                #expect(try await link.call("CLIENT", "INFO").string?.contains(" user=default ") == true)
            }
        }
    }

    @Test func `a user of an access list logs in as himself`() async throws {
        try await TestRedis.with { redis in
            try await redis.call("ACL", "SETUSER", "worker:1", "on", ">s3cret", "~w:*", "+@all")
            var url = redis.url
            (url.user, url.password) = ("worker:1", "s3cret")
            try await LinkHarness.with(url) { link async throws in
                #expect(try await link.call("ACL", "WHOAMI").string == "worker:1")
                #expect(await Fate.of { try await link.call("GET", "other") } == .reply("NOPERM"))
            }
        }
    }

    @Test(arguments: [(nil, "NOAUTH"), ("geheim-but-wrong", "WRONGPASS")])
    func `a Redis that does not let us in is not ready, and says why`(password: String?, code: String) async throws {
        try await TestRedis.with(arguments: ["--requirepass", "right"]) { redis in
            var url = redis.url
            url.password = password
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady(code)
                #expect(await Fate.of { try await link.call("PING") } == .unavailable)
                try await eventually { link.log.loud.contains { $0.metadata.contains(code) } }
                #expect(!link.log.lines.contains { $0.metadata.contains("geheim") })
            }
        }
    }

    @Test func `a login that becomes right later is tried again`() async throws {
        try await TestRedis.with { redis in
            var url = redis.url
            (url.user, url.password) = ("late", "pw")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("WRONGPASS")
                try await redis.call("ACL", "SETUSER", "late", "on", ">pw", "~*", "+@all")
                try await link.client.ready(within: .seconds(10))
                #expect(try await link.call("ACL", "WHOAMI").string == "late")
            }
        }
    }

    @Test func `a password for a Redis that has none is refused`() async throws {
        try await TestRedis.with { redis in
            var url = redis.url
            url.password = "superfluous"
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("AUTH")
            }
        }
    }

    @Test func `a database that is not there is refused`() async throws {
        try await TestRedis.with { redis in
            var url = redis.url
            url.database = 16
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("SELECT")
            }
        }
    }

    @Test func `a server that says the password back does not get it into the log`() async throws {
        try await FakeServer.with(answers: ["-ERR unknown command AUTH, with args: geheim\r\n"]) { url in
            var url = url
            url.password = "geheim"
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("AUTH was refused")
                #expect(!link.log.lines.contains { $0.metadata.contains("geheim") })
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `a Redis is reached over TCP by address and by name`(host: String) async throws {
        try await TestRedis.with(tcp: true) { redis in
            let url = RedisURL(address: .tcp(host: host, port: try #require(redis.tcpPort)))
            try await LinkHarness.with(url, loops: 2) { link async throws in
                #expect(try await link.call("PING").string == "PONG")
                #expect(try await link.call("CLIENT", "INFO").string?.contains("addr=127.0.0.1") == true)
            }
        }
    }
}
