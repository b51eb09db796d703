import RedisLink
import TestSupport
import Testing

/// Servers and sentinels that speak TLS only, also among themselves.
@Suite struct TLSPlacementTests {
    @Test func `sentinels lead over TLS to the master, to a replica, and to the new master when that one dies`()
        async throws
    {
        let certificates = try TestCertificates.shared()
        let trust = "?ca_file=\(certificates.path("ca.pem"))"
        try await TestSentinels.with(tls: certificates) { group in
            try await LinkHarness.with(try group.url(trust), loops: 2) { link async throws in
                let master = try #require(try await group.currentMaster())
                try await link.call("SET", "a", "1")
                #expect(try await link.tlsPort == master.port)
                try await LinkHarness.with(try group.url("\(trust)&role=replica")) { reader async throws in
                    #expect(try await reader.call("ROLE").array?.first?.string == "slave")
                    #expect(try await reader.tlsPort != master.port)
                    try await eventually { try await reader.call("GET", "a").string == "1" }
                }
                try await master.kill()
                let new = try await group.failover(from: master)
                try await eventually { (try? await link.call("SET", "b", "2")) != nil }
                #expect(try await new.call("MGET", "a", "b").array?.map(\.string) == ["1", "2"])
                try await eventually { (try? await link.tlsPort) == new.port }
            }
        }
    }

    @Test func `sentinels of another authority are not believed, nor a master whose certificate is for another place`()
        async throws
    {
        let certificates = try TestCertificates.shared()
        let (ours, other) = (certificates.path("ca.pem"), certificates.path("other.pem"))
        let named = certificates.arguments(name: "named")
        try await TestSentinels.with(replicas: 0, sentinels: 1, arguments: named, tls: certificates) { group in
            let master = group.servers[0]
            for (query, words) in [
                ("ca_file=\(other)", "TLS failed: certificate verify failed"),
                ("ca_file=\(other)&verify=ca", "TLS failed: certificate verify failed"),
                // The sentinel is who it should be; the server that it names is not.
                ("ca_file=\(ours)", "TLS failed: its certificate is for another name or address"),
            ] {
                let url = try group.url("?\(query)")
                try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                    try await link.expectNotReady(words)
                }
            }
            try await LinkHarness.with(try group.url("?ca_file=\(ours)&verify=ca")) { link async throws in
                #expect(try await link.tlsPort == master.port)
            }
        }
    }
}

extension LinkHarness {
    /// The port of the server that the link leads to, which speaks plain text on none.
    fileprivate var tlsPort: Int? {
        get async throws {
            guard try await call("CONFIG", "GET", "port").array?.last?.integer == 0 else { return nil }
            return try await call("CONFIG", "GET", "tls-port").array?.last?.integer
        }
    }
}
