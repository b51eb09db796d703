import DMSClient
import DMSModel
import Foundation
import RedisLink

/// A soak from its start to its report.
struct SoakRun {
    private static let drainTime = Duration.seconds(60)

    private let plan: SoakPlan
    private let servers: SoakServers
    private let ledger = SoakLedger()
    private let idle = IdleConnections()

    static func run(_ plan: SoakPlan) async throws -> SoakReport {
        try await SoakServers.with { servers in try await SoakRun(plan: plan, servers: servers).run() }
    }

    private init(plan: SoakPlan, servers: SoakServers) {
        self.plan = plan
        self.servers = servers
    }

    private func run() async throws -> SoakReport {
        let start = ContinuousClock.now
        let before = try SoakFootprint(servers.first)
        var report = SoakReport(plan: plan, before: before)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await idle.hold(plan.idle, ports: servers.rpcPorts) }
            let load = SoakLoad(plan: plan, servers: servers, ledger: ledger)
            try await load.run {
                try await sample(into: &report, since: start, isOver: { $0 >= plan.time }, faults: true)
            }
            // Workers work on until nothing is left; nobody submits any more.
            try await load.drain {
                try await sample(
                    into: &report, since: start, isOver: { $0 >= plan.time + SoakRun.drainTime }, faults: false)
            }
            group.cancelAll()
        }
        // The sockets' other ends.
        try await Task.sleep(for: .seconds(2))
        report.after = try SoakFootprint(servers.first)
        report.broken += ledger.broken
        try await account(for: &report)
        report.judge()
        return report
    }

    /// Looks at everything every two seconds, and breaks something now and then.
    private func sample(
        into report: inout SoakReport, since start: ContinuousClock.Instant, isOver: (Duration) -> Bool, faults: Bool
    ) async throws {
        var noise = SoakNoise(plan.seed)
        var nextFault = ContinuousClock.now + .seconds(plan.faultSeconds)
        var faultsSince: [SoakFault] = []
        while !isOver(ContinuousClock.now - start) {
            try await Task.sleep(for: SoakPlan.sampleTime)
            if faults, plan.faultSeconds > 0, ContinuousClock.now >= nextFault {
                let fault = SoakFault.allCases[Int(noise.next() % UInt64(SoakFault.allCases.count))]
                await fault.inject(servers)
                faultsSince.append(fault)
                nextFault = .now + .seconds(plan.faultSeconds)
            }
            let interval = ledger.takeInterval()
            report.samples.append(
                SoakSample(
                    at: (ContinuousClock.now - start) / .seconds(1), first: try SoakFootprint(servers.first),
                    second: servers.second.server.flatMap { try? SoakFootprint($0) },
                    idle: servers.rpcPorts.map { idle.open[$0] ?? 0 }, redisBytes: await servers.redisMemory(),
                    interval: interval, faults: faultsSince))
            faultsSince = []
            // Leases of tasks that were forgotten end by themselves; then nothing is under way.
            guard !faults else { continue }
            if let isEmpty = try? await isEmpty(), isEmpty { return }
        }
    }

    /// Whether no task waits, and none is under a lease.
    private func isEmpty() async throws -> Bool {
        let queues = try await servers.redisCall("EXISTS", "dms:queue:high", "dms:queue:mid", "dms:queue:low")
        let leases = try await servers.redisCall("ZCOUNT", "dms:leases", "-inf", "(+inf")
        return queues == .integer(0) && leases == .integer(0)
    }

    /// Compares each task's record with what its clients were told.
    private func account(for report: inout SoakReport) async throws {
        var expected = ledger.expected[...]
        while !expected.isEmpty {
            let part = expected.prefix(500)
            expected = expected.dropFirst(500)
            let statuses = try await servers.statuses(part.map(\.id.text))
            guard statuses.count == part.count else { throw BenchFailure("Redis answered other than it was asked") }
            for (task, status) in zip(part, statuses) {
                guard let status else {
                    if task.isConfirmed { report.lost.append(task.id.text) }
                    continue
                }
                report.tasks[status, default: 0] += 1
                if !task.statuses.map(\.rawValue).contains(status) { report.contradicted.append(task.id.text) }
            }
        }
        report.submitted = ledger.expected.count
        if try await !isEmpty() { report.broken.append("tasks are left in queues or under leases") }
    }
}
