import FaultLedger
import Foundation
import NIOCore
import RedisLink
import Synchronization
import TestSupport

/// A run from its start to its verdict.
struct FaultRun {
    /// Between two snapshots, and as much again for every so many tasks: each keeps Redis busy for longer.
    private static let snapshotPause = (seconds: 1.0, tasks: 1000)
    private static let snapshotTasksMax = 15_000

    let stage: Stage
    let servers: any StoreServers
    let schedulers: [SchedulerFaults]

    /// Runs by the plan, and checks.
    static func perform(_ plan: RunPlan) async throws -> RunReport {
        let folder = "/tmp/dms-faults-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { if !plan.keepsFolder { try? FileManager.default.removeItem(atPath: folder) } }
        if plan.keepsFolder { note("logs are in \(folder)") }
        let redisClock = try ClockFile(path: "\(folder)/clock-redis")
        let isFaked = plan.faults.contains(.redisClock)
        if redisClock.environment == nil, isFaked || plan.faults.contains(.schedulerClock) {
            throw TestFailure("libFaultClock.so is not built: swift build --product FaultClock")
        }
        if plan.isBehindSentinels {
            return try await TestSentinels.with(
                replicas: SentinelServers.replicas, arguments: SentinelServers.arguments,
                sentinelLines: SentinelServers.sentinelLines
            ) { group in
                try await perform(plan, folder) { try await SentinelServers(group, stage: $0) }
            }
        }
        return try await TestRedis.with(
            arguments: LoneRedis.arguments, persistent: true, environment: isFaked ? redisClock.environment ?? [:] : [:]
        ) { redis in
            try await perform(plan, folder) { try await LoneRedis(redis, stage: $0, clock: redisClock) }
        }
    }

    private static func perform(
        _ plan: RunPlan, _ folder: String, _ makeServers: (Stage) async throws -> any StoreServers
    ) async throws -> RunReport {
        var proxies: [(binary: FaultProxy, rest: FaultProxy)] = []
        var doors: [Stage.DoorPorts] = []
        for _ in 0..<plan.schedulers {
            let (binary, rest) = (FaultProxy(), FaultProxy())
            doors.append(Stage.DoorPorts(binary: try await binary.start(), rest: try await rest.start()))
            proxies.append((binary, rest))
        }
        let stage = Stage(plan: plan, recorder: Recorder(clock: RunClock()), doors: doors)
        let servers = try await makeServers(stage)
        let schedulers = try proxies.enumerated().map { number, proxies in
            proxies.binary.follow(FaultDealer(.clients, stage: stage, name: 1000 + 3 * number))
            proxies.rest.follow(FaultDealer(.clients, stage: stage, name: 1001 + 3 * number))
            return try SchedulerFaults(
                number: number, stage: stage, folder: folder, arguments: servers.arguments(ofScheduler: number),
                proxies: proxies)
        }
        return try await FaultRun(stage: stage, servers: servers, schedulers: schedulers).perform()
    }

    private func perform() async throws -> RunReport {
        for scheduler in schedulers { try await scheduler.start() }
        let workers = try await load()
        FaultRun.note("healed; draining")
        stage.heal()
        await withTaskGroup(of: Void.self) { group in
            for worker in workers {
                group.addTask { await worker.settle() }
            }
        }
        var settling = Settling(stage: stage, redis: try servers.presentMaster())
        try await settling.run()
        for scheduler in schedulers { try await scheduler.shutDown() }
        return try await verdict()
    }

    /// Load and faults, until the time is over.
    private func load() async throws -> [Client.State] {
        try await withThrowingTaskGroup(of: Client.State?.self) { group in
            for number in 0..<stage.plan.clients {
                group.addTask { [stage] in
                    var client = Client(number: number, stage: stage)
                    await client.work()
                    return client.state
                }
            }
            for scheduler in schedulers {
                group.addTask {
                    try await scheduler.run()
                    return nil
                }
            }
            group.addTask { [servers] in
                try await servers.makeFaults()
                return nil
            }
            group.addTask { [servers, stage] in
                await PassingFaults(servers: servers, stage: stage).run()
                return nil
            }
            group.addTask {
                await watch()
                return nil
            }
            var states: [Client.State] = []
            for try await state in group { if let state { states.append(state) } }
            return states
        }
    }

    /// Says how it goes, counts what is queued, and looks now and then whether all keys agree.
    private func watch() async {
        var nextSnapshot = FaultRun.snapshotPause.seconds
        while !stage.isOver, !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            FaultRun.note(
                "\(Int(stage.seconds)) s: \(stage.recorder.callCount) calls, \(stage.recorder.faultCount) faults")
            // One that does not know that it is deposed is not asked.
            guard let redis = servers.master else { continue }
            if let queued = try? await SnapshotReader.queued(redis) { stage.tasksAre(queued) }
            guard stage.seconds > nextSnapshot else { continue }
            guard let known = try? await redis.call("SCARD", "dms:task:index").integer,
                known < FaultRun.snapshotTasksMax,
                let snapshot = try? await SnapshotReader.read(redis)
            else { continue }
            let pause = FaultRun.snapshotPause
            nextSnapshot = stage.seconds + pause.seconds * Double(1 + known / pause.tasks)
            for problem in snapshot.problems().prefix(5) {
                stage.recorder.incident("at \(Int(stage.seconds)) s keys do not agree: \(problem)")
            }
        }
    }

    private func verdict() async throws -> RunReport {
        FaultRun.note("checking")
        let writes = try await servers.writes()
        let snapshot = try await SnapshotReader.read(try servers.presentMaster())
        let history = stage.recorder.history
        let ledger = Ledger(
            history, snapshot: snapshot, trails: writes.trails, areTrailsComplete: writes.isComplete)
        return RunReport(
            plan: stage.plan, history: history, faults: stage.recorder.faults, snapshot: snapshot, ledger: ledger)
    }

    /// A line of progress.
    static func note(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}
