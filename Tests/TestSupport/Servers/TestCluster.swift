import NIOCore
public import RedisLink

/// A Redis Cluster of three masters, and replicas of them where asked for, as processes of one test.
public final class TestCluster: Sendable {
    /// Three masters, then a replica of each.
    public let nodes: [TestRedis]
    private let ids: [String]
    private let scheme: String

    private init(nodes: [TestRedis], ids: [String], tls: TestCertificates?) {
        self.nodes = nodes
        self.ids = ids
        scheme = tls == nil ? "redis" : "rediss"
    }

    /// Runs the body when all nodes know of each other and every slot has an owner.
    ///
    /// With certificates the nodes speak TLS only, also among themselves. A node may be silent for as long as that before the others
    /// take it for dead; a busy machine needs more than a test that waits for it has.
    public static func with(
        replicas: Bool = false, tls: TestCertificates? = nil, nodeTimeout: Duration = .seconds(5),
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        try await with(count: replicas ? 6 : 3, [], tls: tls, nodeTimeout: nodeTimeout) { nodes in
            var ids: [String] = []
            for node in nodes { ids.append(try await node.call("CLUSTER", "MYID").string ?? "") }
            for (index, range) in [(0, 5460), (5461, 10_922), (10_923, 16_383)].enumerated() {
                try await nodes[index].call("CLUSTER", "ADDSLOTSRANGE", "\(range.0)", "\(range.1)")
                try await nodes[index].call("CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
            }
            let cluster = TestCluster(nodes: nodes, ids: ids, tls: tls)
            do { try await cluster.form() } catch {
                throw TestFailure("no cluster: \(error); its nodes see: \((try? await cluster.views()) ?? [])")
            }
            try await body(cluster)
        }
    }

    /// The URL of all nodes; `tail` is what stands behind them.
    public func url(_ tail: String = "") throws -> RedisURL { try RedisURL(text(tail)) }

    /// The same as a text.
    public func text(_ tail: String = "") -> String {
        "\(scheme)+cluster://\(nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))\(tail)"
    }

    /// The master that holds a key's slot, as it was at the beginning.
    public func owner(of key: String) -> TestRedis {
        nodes[[5460, 10_922, 16_383].firstIndex { ClusterSlot.of(key) <= $0 } ?? 0]
    }

    /// The replica of that master.
    public func replica(of key: String) -> TestRedis {
        nodes[3 + (nodes.firstIndex { $0 === owner(of: key) } ?? 0)]
    }

    /// Takes a key's slot from its owner, as all masters see it.
    public func abandon(slotOf key: String) async throws {
        let owner = owner(of: key)
        // The owner first: what it still claims, the others would believe again.
        for node in [owner] + nodes.prefix(3).filter({ $0 !== owner }) {
            try await node.call("CLUSTER", "DELSLOTS", "\(ClusterSlot.of(key))")
        }
    }

    /// Begins to move a key's slot to another master: what is not there any more is asked for at the new one.
    public func beginMove(of key: String, to target: TestRedis) async throws {
        let (slot, owner) = ("\(ClusterSlot.of(key))", owner(of: key))
        try await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", id(of: owner))
        try await owner.call("CLUSTER", "SETSLOT", slot, "MIGRATING", id(of: target))
    }

    /// Moves the keys of that slot, and tells all masters who holds it now.
    public func endMove(of key: String, to target: TestRedis) async throws {
        let (slot, owner) = ("\(ClusterSlot.of(key))", owner(of: key))
        let keys = try await owner.call("CLUSTER", "GETKEYSINSLOT", slot, "1000").array?.compactMap(\.string) ?? []
        if !keys.isEmpty {
            try await owner.call(["MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "5000", "KEYS"] + keys)
        }
        for node in [target, owner] + nodes.prefix(3) {
            try await node.call("CLUSTER", "SETSLOT", slot, "NODE", id(of: target))
        }
    }

    private func id(of node: TestRedis) -> String { nodes.firstIndex { $0 === node }.map { ids[$0] } ?? "" }

    /// What each node knows of the others.
    private func views() async throws -> [String] {
        var views: [String] = []
        for node in nodes { views.append(try await node.call("CLUSTER", "NODES").string ?? "") }
        return views
    }

    /// Makes one cluster of the nodes.
    private func form() async throws {
        try await meet()
        for (index, replica) in nodes.enumerated().dropFirst(3) {
            try await eventually { (try? await replica.call("CLUSTER", "REPLICATE", self.ids[index - 3])) != nil }
        }
        try await settle { $0.contains("cluster_state:ok") }
        if nodes.count > 3 { try await awaitReplicas() }
    }

    /// Introduces the nodes to each other.
    ///
    /// One that does not answer in time, on a busy machine, is forgotten: then they are introduced once more. Until it has answered
    /// it is known by a made-up id.
    private func meet() async throws {
        var lastTime = ContinuousClock.now - .seconds(60)
        try await eventually {
            if try await self.views().allSatisfy({ view in self.ids.allSatisfy(view.contains) }) { return true }
            if ContinuousClock.now - lastTime > .seconds(3) {
                lastTime = .now
                for node in self.nodes.dropFirst() {
                    let bus = try await node.call("CONFIG", "GET", "cluster-port").array?.last?.string ?? ""
                    try await self.nodes[0].call("CLUSTER", "MEET", "127.0.0.1", "\(node.port)", bus)
                }
            }
            return false
        }
    }

    private func settle(_ condition: (String) -> Bool) async throws {
        try await eventually {
            for node in self.nodes {
                guard let info = try await node.call("CLUSTER", "INFO").string, condition(info) else { return false }
            }
            return true
        }
    }

    private func awaitReplicas() async throws {
        try await eventually {
            for replica in self.nodes.dropFirst(3) {
                guard try await replica.call("ROLE").array?.dropFirst(3).first?.string == "connected" else {
                    return false
                }
            }
            // Every master names the replicas of all.
            for node in self.nodes {
                let slots = try await node.call("CLUSTER", "SLOTS").array ?? []
                guard slots.allSatisfy({ $0.array?.count == 4 }) else { return false }
            }
            return true
        }
    }

    private static func with(
        count: Int, _ nodes: [TestRedis], tls: TestCertificates?, nodeTimeout: Duration,
        _ body: ([TestRedis]) async throws -> Void
    ) async throws {
        guard nodes.count < count else { return try await body(nodes) }
        let bus = try await ServerProcess.freePort()
        let arguments = [
            "--cluster-enabled", "yes", "--cluster-port", "\(bus)", "--cluster-node-timeout",
            "\(Int(nodeTimeout / .milliseconds(1)))", "--cluster-replica-validity-factor", "0",
            "--repl-diskless-sync-delay", "0",
            // CLUSTER SLOTS leaves a replica out until its master has sent it something.
            "--repl-ping-replica-period", "1",
        ]
        try await TestRedis.with(arguments: arguments, tcp: true, tls: tls) { node in
            try await with(count: count, nodes + [node], tls: tls, nodeTimeout: nodeTimeout, body)
        }
    }
}
