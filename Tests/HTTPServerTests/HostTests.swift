import Testing

@testable import HTTPServer

@Suite struct HostTests {
    @Test(
        arguments: [
            ("localhost", "localhost", nil), ("LocalHost:8000", "LocalHost", 8000), ("a.example.:80", "a.example.", 80),
            ("a_b-c:", "a_b-c", nil), ("192.0.2.1:0", "192.0.2.1", 0), ("[::1]", "::1", nil),
            ("[::1]:65535", "::1", 65_535),
            ("[fe80::1%25eth0]:1", "fe80::1%25eth0", 1), ("xn--bcher-kva", "xn--bcher-kva", nil),
        ] as [(String, String, Int?)])
    func `a host is read with its port`(text: String, host: String, port: Int?) throws {
        let name = try #require(HostName(text))
        #expect(name.host == host)
        #expect(name.port == port)
    }

    @Test(arguments: [
        "", ":", ":80", "a b", "a, b", "a/b", "a@b", "http://a", "a:x", "a:65536", "a:123456", "a:-1", "[", "[]", "[a]",
        "[::1", "[::1]x", "[::1]:x", "::1", "a\u{0}", "a\\b", "ü", "a#", "a?", "<a>", "a:80:80", "[::1%]/]",
        String(repeating: "a", count: 262),
    ])
    func `what is no host is none`(text: String) { #expect(HostName(text) == nil) }

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:8000", "192.0.2.1", "[::1]:8000", "[fe80::1%eth0]", "[::ffff:192.0.2.1]", "127.1", "0",
        "localhost", "LOCALHOST:1", "localhost.", "dms.localhost", "a.b.localhost:8000",
        "dms.example.org", "DMS.Example.ORG.:80", "scheduler", "a.cluster.local", "b.a.cluster.local",
    ])
    func `addresses, localhost and what was named are known`(text: String) throws {
        var hosts = KnownHosts()
        for name in ["dms.example.org", "Scheduler", "*.cluster.local"] { try hosts.add(name) }
        #expect(hosts.contains(try #require(HostName(text))))
    }

    @Test(arguments: [
        "evil.example", "example.org", "x.dms.example.org", "dms.example.org.evil.example", "cluster.local",
        "xcluster.local", "notlocalhost", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3.4.5", "schedule",
    ])
    func `anything else is not`(text: String) throws {
        var hosts = KnownHosts()
        for name in ["dms.example.org", "scheduler", "*.cluster.local"] { try hosts.add(name) }
        #expect(!hosts.contains(try #require(HostName(text))))
    }

    @Test func `a star knows all`() throws {
        var hosts = KnownHosts()
        try hosts.add("*")
        #expect(hosts.contains(try #require(HostName("evil.example"))))
    }

    @Test(arguments: ["", "a b", "http://a", "a:80", "a:", "*.", "*a", "a.*", "**", "*.*.a", "[::1]:80", "ü"])
    func `what is no name cannot be added`(text: String) {
        var hosts = KnownHosts()
        #expect(throws: KnownHosts.InvalidName.self) { try hosts.add(text) }
    }
}
