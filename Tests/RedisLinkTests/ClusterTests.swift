import NIOCore
import RedisLink
import TestSupport
import Testing

@Suite struct ClusterTests {
    private static let key = "{dms}:a"
    private static let placement = RedisPlacement(role: .master, key: "{dms}")
    private static let increment = RedisScript(
        name: "increment", source: "return redis.call('INCR', KEYS[1])")

    @Test func `a key's slot is Redis's own`() async throws {
        try await TestRedis.with(arguments: ["--cluster-enabled", "yes"]) { redis in
            for key in ["foo", "{dms}:task:1", "{dms}", "a{}b{c}", "ü{ß}x", ""] {
                let slot = try await redis.call("CLUSTER", "KEYSLOT", key).integer
                #expect(slot == ClusterSlot.of(key))
            }
        }
    }

    @Test(arguments: [("{dms}", "dms"), ("x{a}{b}", "a"), ("{}{a}", nil), ("{a", nil), ("a}b{", nil), ("dms", nil)])
    func `a hash tag stands between the first brace and its end`(key: String, tag: String?) {
        #expect(ClusterSlot.hashTag(of: key).map { String(decoding: $0, as: UTF8.self) } == tag)
    }

    @Test func `the node that holds the slot is found, from any node, and its replica where one is asked for`()
        async throws
    {
        try await TestCluster.with(replicas: true) { cluster in
            for node in cluster.nodes {
                let url = try RedisURL("redis+cluster://127.0.0.1:\(node.port)")
                try await with(url) { link async throws in
                    try await link.call("SET", Self.key, "1")
                    let port = try await link.call("CONFIG", "GET", "port").array?.last?.integer
                    #expect(port == cluster.owner(of: Self.key).port)
                }
            }
            let placement = RedisPlacement(key: "{dms}")
            try await LinkHarness.with(try cluster.url("?role=replica"), placement: placement) { link async throws in
                #expect(try await link.call("ROLE").array?.first?.string == "slave")
                #expect(try await link.call("GET", Self.key).string == "1")
            }
        }
    }

    @Test func `a slot that moved is followed, and what was refused is done once at the new node`() async throws {
        try await TestCluster.with { cluster in
            try await with(try cluster.url(), scripts: [Self.increment]) { link async throws in
                try await link.call("SET", Self.key, "10")
                let target = try #require(cluster.nodes.first { $0 !== cluster.owner(of: Self.key) })
                try await cluster.beginMove(of: Self.key, to: target)
                try await cluster.endMove(of: Self.key, to: target)
                // All of one tick: they are refused, repeated in their order, and the scripts with their source.
                let answers = try await link.onLoop { connection in
                    let calls = (0..<20).map { number in
                        number.isMultiple(of: 2)
                            ? connection.send(RedisCommand("INCR", Self.key)) { reply throws(RedisError) in
                                try reply.integer()
                            }
                            : connection.evaluate(Self.increment, keys: [Self.key], arguments: 0) {
                                reply throws(RedisError) in try reply.integer()
                            }
                    }
                    return EventLoopFuture.whenAllSucceed(calls, on: connection.eventLoop)
                }
                #expect(answers == Array(11...30))
                #expect(try await link.call("CONFIG", "GET", "port").array?.last?.integer == target.port)
                #expect(try await link.evaluate(Self.increment, keys: [Self.key]) == .integer(31))
            }
        }
    }

    @Test func `a key that is on its way is asked for at the new node`() async throws {
        try await TestCluster.with { cluster in
            try await with(try cluster.url(), scripts: [Self.increment]) { link async throws in
                let target = try #require(cluster.nodes.first { $0 !== cluster.owner(of: Self.key) })
                try await link.call("SET", "{dms}:stays", "1")
                try await cluster.beginMove(of: Self.key, to: target)
                #expect(try await link.call("INCR", Self.key) == .integer(1))
                #expect(try await link.evaluate(Self.increment, keys: [Self.key]) == .integer(2))
                #expect(try await link.call("GET", "{dms}:stays").string == "1")
                // Of two keys of which one has moved nobody has both.
                let fate = await Fate.of { try await link.call("MGET", Self.key, "{dms}:stays") }
                #expect(fate == .reply("TRYAGAIN"))
                #expect(try await link.call("CONFIG", "GET", "port").array?.last?.integer != target.port)
            }
        }
    }

    @Test func `a cluster without the slot says so, and goes on when it has it again`() async throws {
        try await TestCluster.with { cluster in
            let owner = cluster.owner(of: Self.key)
            try await with(try cluster.url(), options: LinkHarness.quick) { link async throws in
                let slot = "\(ClusterSlot.of(Self.key))"
                try await cluster.abandon(slotOf: Self.key)
                try await eventually {
                    await Fate.of { try await link.call("SET", Self.key, "1") } == .reply("CLUSTERDOWN")
                }
                try await link.expectNotReady("holds the slot \(slot)")
                try await owner.call("CLUSTER", "ADDSLOTS", slot)
                try await eventually { await Fate.of { try await link.call("SET", Self.key, "1") } == .answered }
            }
        }
    }

    @Test func `when the node dies its replica is found`() async throws {
        try await TestCluster.with(replicas: true, nodeTimeout: .seconds(1)) { cluster in
            try await with(try cluster.url()) { link async throws in
                try await link.call("SET", Self.key, "1")
                let replica = cluster.replica(of: Self.key)
                try await eventually { (try? await replica.call("DBSIZE").integer) == 1 }
                try await cluster.owner(of: Self.key).kill()
                try await eventually { (try? await link.call("INCR", Self.key)) != nil }
                #expect(try await link.call("CONFIG", "GET", "port").array?.last?.integer == replica.port)
            }
        }
    }

    @Test func `a server that is no cluster is not ready`() async throws {
        try await TestRedis.with(tcp: true) { redis in
            let url = try RedisURL("redis+cluster://127.0.0.1:\(redis.port)")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("cluster support disabled")
            }
        }
    }

    private func with(
        _ url: RedisURL, options: RedisOptions = RedisOptions(), scripts: [RedisScript] = [],
        _ body: (LinkHarness) async throws -> Void
    ) async throws {
        try await LinkHarness.with(url, placement: Self.placement, options: options, scripts: scripts, body)
    }
}
