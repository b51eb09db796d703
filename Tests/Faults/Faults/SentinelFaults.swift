import FaultLedger
import TestSupport

/// Lets things happen to the servers that sentinels run, one after another, each when all is whole again.
struct SentinelFaults: Sendable {
    private static let pauseMilliseconds = 40...900
    /// A server that was killed is away for so long beyond the failover.
    private static let awayMillisecondsMax = 1500
    /// One that was frozen wakes up so long behind the failover.
    private static let lateMillisecondsMax = 1500
    /// One that comes back as a master is one for so long.
    private static let staleMillisecondsMax = 2000
    private static let masterPercent = 70
    /// Replicas are cut off from a master for so long before it fails, or comes back to them.
    private static let cutMillisecondsMax = (beforeFailure: 400, alone: 2000)
    private static let cutPercent = 50

    let servers: SentinelServers
    let stage: Stage

    /// Makes faults while it is time for them.
    func run() async throws {
        let kinds = FaultKind.allCases.filter { $0.group == .sentinel && stage.plan.faults.contains($0) }
        let ofReplicas = kinds.filter { $0 == .replicaKill || $0 == .replicaFreeze || $0 == .replicaCut }
        let ofMasters = kinds.filter { !ofReplicas.contains($0) }
        var random = stage.random(for: 1)
        while !stage.isOver, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Int.random(in: SentinelFaults.pauseMilliseconds, using: &random)))
            let some = random.chance(SentinelFaults.masterPercent) ? ofMasters : ofReplicas
            guard stage.isRough, let kind = (some.isEmpty ? kinds : some).randomElement(using: &random) else {
                continue
            }
            let master = try servers.presentMaster()
            guard try await servers.isStill(master) else {
                try await servers.awaitWhole(under: master)
                continue
            }
            stage.recorder.count(kind)
            try await make(kind, on: master, &random)
        }
    }

    private func make(_ kind: FaultKind, on master: TestRedis, _ random: inout SplitMix) async throws {
        switch kind {
        case .sentinelMasterKill: try await kill(master, &random)
        case .sentinelMasterFreeze: try await freeze(master, &random)
        case .sentinelFailover: try await depose(master, &random)
        case .replicaKill:
            guard let replica = servers.replicas(of: master).randomElement(using: &random) else { return }
            try await replica.kill()
            try await pause(random.magnitude(0...SentinelFaults.awayMillisecondsMax))
            try await replica.start()
            if await !servers.follows(replica, master) { try await follow(replica, master) }
            try await servers.awaitWhole(under: master)
        case .replicaFreeze:
            let replicas = servers.replicas(of: master)
            let frozen = replicas.prefix(random.chance(50) ? 1 : replicas.count)
            for replica in frozen { replica.pause() }
            try await pause(random.magnitude(1...2500))
            for replica in frozen { replica.resume() }
            try await servers.awaitWhole(under: master)
        case .replicaCut:
            let replicas = servers.replicas(of: master)
            try await cut(replicas)
            try await pause(random.magnitude(1...SentinelFaults.cutMillisecondsMax.alone))
            for replica in replicas where await !servers.follows(replica, master) { try await follow(replica, master) }
            try await servers.awaitWhole(under: master)
        default: break
        }
    }

    /// Leads replicas away from their master, to where nobody is: what it writes from then on is not replicated.
    ///
    /// A kill alone loses nothing, since a replica reads what is on its way to it.
    private func cut(_ replicas: [TestRedis]) async throws {
        for replica in replicas {
            try await eventually { (try? await replica.call("REPLICAOF", "127.0.0.1", "1")) != nil }
        }
    }

    /// Lets the master write for a moment what no replica gets, before it fails; half of the time.
    private func cutBeforeFailure(_ master: TestRedis, _ random: inout SplitMix) async throws {
        guard stage.plan.faults.contains(.replicaCut), random.chance(SentinelFaults.cutPercent) else { return }
        stage.recorder.count(.replicaCut)
        try await cut(servers.replicas(of: master).shuffled(using: &random))
        try await pause(Int.random(in: 1...SentinelFaults.cutMillisecondsMax.beforeFailure, using: &random))
    }

    private func kill(_ master: TestRedis, _ random: inout SplitMix) async throws {
        servers.failoverBegins()
        try await cutBeforeFailure(master, &random)
        try await master.kill()
        let new = try await servers.group.failover(from: master)
        try await servers.awaitFollowers(of: new, but: master)
        try await pause(random.magnitude(0...SentinelFaults.awayMillisecondsMax))
        try await master.start()
        try await comeBack(master, to: new, &random)
    }

    /// Freezes a master until another one has taken over, so that it wakes up as one that is deposed and does not know it.
    private func freeze(_ master: TestRedis, _ random: inout SplitMix) async throws {
        servers.failoverBegins()
        try await cutBeforeFailure(master, &random)
        master.pause()
        let new = try await servers.group.failover(from: master)
        // A replica that still followed it could confirm what is lost then; see docs/high-availability.md.
        try await servers.awaitFollowers(of: new, but: master)
        try await pause(random.magnitude(0...SentinelFaults.lateMillisecondsMax))
        master.resume()
        try await comeBack(master, to: new, &random)
    }

    /// Has the sentinels make another server the master while the old one is well.
    private func depose(_ master: TestRedis, _ random: inout SplitMix) async throws {
        servers.failoverBegins()
        try await servers.group.askForFailover()
        let new = try await servers.group.failover(from: master)
        try await comeBack(master, to: new, &random)
    }

    /// An old master that does not know it follows the new one after a while: because the sentinels see it, or an operator does.
    private func comeBack(_ old: TestRedis, to new: TestRedis, _ random: inout SplitMix) async throws {
        if random.chance(60) {
            try await pause(random.magnitude(0...SentinelFaults.staleMillisecondsMax))
            try await follow(old, new)
        }
        try await servers.awaitWhole(under: new)
        stage.recorder.failoverEnded()
    }

    private func follow(_ replica: TestRedis, _ master: TestRedis) async throws {
        try await eventually { (try? await replica.call("REPLICAOF", "127.0.0.1", "\(master.port)")) != nil }
        // As sentinels do: who is still connected is to look for the master anew.
        _ = try? await replica.call("CLIENT", "KILL", "TYPE", "normal")
    }

    private func pause(_ milliseconds: Int) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
}
