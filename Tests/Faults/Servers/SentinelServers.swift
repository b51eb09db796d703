import FaultLedger
import Foundation
import NIOCore
import RedisLink
import Synchronization
import TestSupport

/// A master and two replicas that three sentinels run, to which schedulers are led by the sentinels.
final class SentinelServers: StoreServers {
    static let replicas = 2
    /// How long a server may be silent before the sentinels take it for dead: a busy machine is silent for a while, too.
    static let downAfterMilliseconds = 1500
    /// Copies go over the disk: a process that sends one without it may outlive its master's fall, and then Redis does not write its
    /// files anew.
    static let arguments = [
        "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "yes",
        "--repl-diskless-sync", "no",
    ]
    static let sentinelLines = ["sentinel down-after-milliseconds \(TestSentinels.master) \(downAfterMilliseconds)"]

    /// How old what the sentinels know may be, and a quarter of the time after which they make a replica of who comes back as a
    /// master: much less than the usual ten and two seconds, so that a run sees more failovers.
    private static let sentinelPeriods = ["INFO-PERIOD", "500", "PUBLISH-PERIOD", "250"]
    private static let markMillisecondsMax = 2000

    let group: TestSentinels
    let stage: Stage

    private struct State {
        /// Nil while it fails, or another one takes over.
        var master: TestRedis?
        /// All that was written up to the last mark, and lasted.
        var writes = AppendOnlyFile()
        /// Where each server's files have the last mark, by its port.
        var places: [Int: AppendOnlyReader.Place] = [:]
        var marks = 0
        /// When all agreed on the master, last.
        var lastWhole: Moment
    }

    private let state: Mutex<State>

    /// The servers when all is well.
    init(_ group: TestSentinels, stage: Stage) async throws {
        self.group = group
        self.stage = stage
        state = Mutex(State(lastWhole: stage.recorder.clock.moment()))
        try await group.callSentinels(["SENTINEL", "DEBUG"] + SentinelServers.sentinelPeriods)
        try await awaitWhole(under: group.servers[0])
    }

    var master: TestRedis? { state.withLock(\.master) }

    func arguments(ofScheduler number: Int) -> [String] {
        ["--redis-writer-url", group.text(), "--redis-min-replicas", "\(stage.plan.minReplicas)"]
    }

    func makeFaults() async throws { try await SentinelFaults(servers: self, stage: stage).run() }

    func writes() async throws -> AppendOnlyFile {
        try await awaitWhole(under: try presentMaster())
        try await expectSame()
        return state.withLock(\.writes)
    }

    /// The servers that follow the master.
    func replicas(of master: TestRedis) -> [TestRedis] { group.servers.filter { $0 !== master } }

    /// Waits for something, and says what it was where it does not come.
    func wait(for what: String, _ condition: () async throws -> Bool) async throws {
        do {
            try await eventually(condition)
        } catch let failure as TestFailure {
            throw TestFailure("\(what): \(failure)")
        }
    }

    /// From now on nobody knows which server is the master.
    func failoverBegins() {
        stage.recorder.failoverBegan(stage.recorder.clock.moment())
        state.withLock { $0.master = nil }
    }

    /// Waits until that server is followed by the others but the old master, or is no more the master itself.
    func awaitFollowers(of master: TestRedis, but old: TestRedis) async throws {
        for replica in replicas(of: master) where replica !== old {
            try await wait(for: "the replicas follow the new master") {
                if await self.follows(replica, master) { return true }
                return try await self.group.agreedMaster().map { $0 !== master } ?? false
            }
        }
    }

    /// Whether a server follows another one, and has what that had.
    func follows(_ replica: TestRedis, _ master: TestRedis) async -> Bool {
        guard let role = try? await replica.call("ROLE").array, role.count == 5 else { return false }
        return role[0].string == "slave" && role[2].integer == master.port && role[3].string == "connected"
    }

    /// Whether all sentinels still name that server, so that a fault may be made on it.
    func isStill(_ master: TestRedis) async throws -> Bool { try await group.agreedMaster() === master }

    /// Waits until all sentinels and all servers agree on who is what, and all servers have the same; notes what was written.
    func awaitWhole(under expected: TestRedis) async throws {
        var master: TestRedis
        repeat {
            master = try await agreedMaster()
            if master !== expected { try noteUnplanned() }
        } while try await !mark(master)
        let moment = stage.recorder.clock.moment()
        state.withLock { state in
            state.master = master
            state.lastWhole = moment
        }
    }

    /// Waits until all sentinels name a master that all others follow.
    private func agreedMaster() async throws -> TestRedis {
        var master: TestRedis?
        try await wait(for: "the sentinels agree on a master that all follow") {
            try await self.group.settle()
            guard let agreed = try await self.group.agreedMaster() else { return false }
            for replica in self.replicas(of: agreed) {
                guard await self.follows(replica, agreed) else { return false }
            }
            master = agreed
            return true
        }
        guard let master else { throw TestFailure("the sentinels name none of the servers") }
        return master
    }

    /// The sentinels deposed a master that was only slow, which no fault of ours made.
    ///
    /// It was confirmed by the replica that did not take over until that followed the new one; so only if all replicas have to
    /// confirm it, nothing is lost.
    private func noteUnplanned() throws {
        guard stage.plan.minReplicas >= SentinelServers.replicas else { throw UnplannedFailover() }
        FaultRun.note("the sentinels took a slow master for dead")
        stage.recorder.failoverHappened(since: state.withLock(\.lastWhole))
    }
}

/// Why a run says nothing: the machine was so slow that the sentinels deposed a master that was well, and may have lost what one
/// replica had confirmed.
struct UnplannedFailover: Error {}

/// What is written, from mark to mark.
extension SentinelServers {
    /// Puts a mark where every server has it, and reads what the master wrote since the last one; false where it is not the
    /// master any more.
    ///
    /// The master had the last mark as well: as a replica it got all that its master wrote up to the failover, and wrote what
    /// came later itself. Where it was copied from another server in between, its files do not say what happened.
    private func mark(_ master: TestRedis) async throws -> Bool {
        var isMoved = false
        var places: [Int: AppendOnlyReader.Place] = [:]
        var writes: ByteBuffer?
        let old = state.withLock(\.places)
        try await wait(for: "all servers have a mark") {
            isMoved = try await !self.isStill(master)
            if isMoved { return true }
            let mark = AppendOnlyMark(
                self.state.withLock { state in
                    state.marks += 1
                    return "\(state.marks)"
                })
            guard (try? await master.call(mark.command)) != nil else { return false }
            let count = try? await master.call(
                "WAIT", "\(self.group.servers.count - 1)", "\(SentinelServers.markMillisecondsMax)")
            guard count?.integer == self.group.servers.count - 1 else { return false }
            for server in self.group.servers {
                guard let found = try AppendOnlyReader.find(mark, in: server, from: old[server.port]) else {
                    try await Task.sleep(for: .milliseconds(100))
                    return false
                }
                places[server.port] = found.place
                if server === master { writes = found.writes }
            }
            return true
        }
        if isMoved { return false }
        if writes == nil, !old.isEmpty {
            FaultRun.note("a piece of what was written is missing: order is not checked of tasks that were there then")
            let known = try await master.call("SMEMBERS", "dms:task:index").array ?? []
            let tasks = Set(known.compactMap(\.string))
            state.withLock { $0.writes.skip(to: tasks) }
        }
        state.withLock { state in
            if let writes { state.writes.append(writes) }
            state.places = places
        }
        return true
    }

    /// Notes where the servers do not hold the same in the end.
    private func expectSame() async throws {
        let master = try presentMaster()
        let expected = try await SnapshotReader.read(master)
        for replica in replicas(of: master) where try await SnapshotReader.read(replica) != expected {
            stage.recorder.incident("a replica holds other data than its master")
        }
    }
}
