import NIOCore
import RedisLink
import TestSupport
import Testing

/// Servers, sentinels and nodes that speak TLS only, also among themselves.
@Suite struct TLSPlacementTests {
    private static let key = "{dms}:a"
    private static let placement = RedisPlacement(role: .master, key: "{dms}")
    private static let increment = RedisScript(
        name: "increment", source: "return redis.call('INCR', KEYS[1])")

    // MARK: - Sentinels

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

    // MARK: - A cluster

    @Test func `the node that holds the slot is found over TLS from any node, and its replica where one is asked for`()
        async throws
    {
        let certificates = try TestCertificates.shared()
        let trust = "?ca_file=\(certificates.path("ca.pem"))"
        try await TestCluster.with(replicas: true, tls: certificates) { cluster in
            let (owner, replica) = (cluster.owner(of: Self.key), cluster.replica(of: Self.key))
            for (number, node) in cluster.nodes.enumerated() {
                let url = try RedisURL("rediss+cluster://127.0.0.1:\(node.port)\(trust)")
                try await LinkHarness.with(url, placement: Self.placement) { link async throws in
                    #expect(try await link.call("INCR", Self.key) == .integer(number + 1))
                    #expect(try await link.tlsPort == owner.port)
                }
            }
            let url = try cluster.url("\(trust)&role=replica")
            try await LinkHarness.with(url, placement: RedisPlacement(key: "{dms}")) { link async throws in
                #expect(try await link.tlsPort == replica.port)
                try await eventually { try await link.call("GET", Self.key).string == "\(cluster.nodes.count)" }
            }
            let stranger = try cluster.url("?ca_file=\(certificates.path("other.pem"))")
            try await LinkHarness.with(
                stranger, placement: Self.placement, options: LinkHarness.quick, ready: false
            ) { link async throws in
                try await link.expectNotReady("127.0.0.1:\(owner.port): TLS failed: certificate verify failed")
            }
        }
    }

    @Test func `a slot that is on its way, and one that has moved, are followed over TLS`() async throws {
        let certificates = try TestCertificates.shared()
        try await TestCluster.with(tls: certificates) { cluster in
            let url = try cluster.url("?ca_file=\(certificates.path("ca.pem"))")
            try await LinkHarness.with(url, placement: Self.placement, scripts: [Self.increment]) { link async throws in
                let owner = cluster.owner(of: Self.key)
                let target = try #require(cluster.nodes.first { $0 !== owner })
                try await link.call("SET", "{dms}:stays", "1")
                try await cluster.beginMove(of: Self.key, to: target)
                // The owner has no such key any more, and asks us (ASK) to look at the target.
                #expect(try await link.call("INCR", Self.key) == .integer(1))
                #expect(try await link.evaluate(Self.increment, keys: [Self.key]) == .integer(2))
                #expect(try await link.tlsPort == owner.port)
                try await cluster.endMove(of: Self.key, to: target)
                // MOVED: what was refused is done once at the target, in its order.
                let answers = try await link.onLoop { connection in
                    let calls = (0..<20).map { _ in
                        connection.evaluate(Self.increment, keys: [Self.key], arguments: 0) {
                            reply throws(RedisError) in try reply.integer()
                        }
                    }
                    return EventLoopFuture.whenAllSucceed(calls, on: connection.eventLoop)
                }
                #expect(answers == Array(3...22))
                #expect(try await link.tlsPort == target.port)
                #expect(try await target.call("GET", "{dms}:stays").string == "1")
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
