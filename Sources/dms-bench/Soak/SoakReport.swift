import Foundation

/// What a process takes of the system.
struct SoakFootprint: Sendable, Codable {
    var residentBytes: Int
    var descriptors: Int
    var threads: Int
    /// Seconds on a processor so far.
    var processorSeconds: Double

    init(_ server: BenchServer) throws {
        residentBytes = try server.residentBytes()
        descriptors = try server.openDescriptors()
        threads = try server.threads()
        processorSeconds = try server.processorTime()
    }
}

/// What was to be seen at one time, and what happened since the time before.
struct SoakSample: Sendable, Codable {
    /// Milliseconds of one kind of call.
    struct Times: Sendable, Codable {
        var p50: Double
        var p99: Double
    }

    /// Seconds since the start.
    var at: Double
    var first: SoakFootprint
    /// Nil while it is away.
    var second: SoakFootprint?
    /// Idle connections that are open, of each scheduler.
    var idle: [Int]
    var redisBytes: Int?
    var openTasks: Int
    var calls: Int
    var times: [String: Times]
    var failures: [String: Int]
    var faults: [SoakFault]

    init(
        at seconds: Double, first: SoakFootprint, second: SoakFootprint?, idle: [Int], redisBytes: Int?,
        interval: SoakLedger.Interval, faults: [SoakFault]
    ) {
        at = seconds
        self.first = first
        self.second = second
        self.idle = idle
        self.redisBytes = redisBytes
        openTasks = interval.openTasks
        calls = interval.calls
        times = interval.latencies.mapValues {
            Times(p50: $0.percentile(50) / 1000, p99: $0.percentile(99) / 1000)
        }
        failures = interval.failures
        self.faults = faults
    }
}

/// What came of a soak.
struct SoakReport: Sendable, Codable {
    var plan: SoakPlan
    /// The first scheduler before any client came.
    var before: SoakFootprint
    /// The same when all clients had gone.
    var after: SoakFootprint?
    var samples: [SoakSample] = []
    var submitted = 0
    /// How many tasks have each status.
    var tasks: [String: Int] = [:]
    /// Tasks that were confirmed and are not there.
    var lost: [String] = []
    /// Tasks whose record says otherwise than their client was told.
    var contradicted: [String] = []
    /// What should hold and does not.
    var broken: [String] = []

    init(plan: SoakPlan, before: SoakFootprint) {
        self.plan = plan
        self.before = before
    }

    /// What memory may have grown by between the end of the warm-up and the end: a tenth, and a little.
    private static let growthFactor = 1.1
    private static let growthBytes = 8 << 20
    /// What descriptors may differ by: connections that are being opened again.
    private static let descriptorsSlack = 30
    /// What a client may be told while servers are killed and stopped; anything else is a mistake of ours.
    private static let expectedFailures: Set = [
        "unreachable", "connection lost", "outcome unknown", "deadline exceeded", "cancelled", "closed",
        "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN", "DRAINING", "DEADLINE_EXCEEDED", "LEASE_LOST", "503", "504",
        // OUTCOME_UNKNOWN over REST.
        "500",
        // Of a task that was handed out before, was canceled meanwhile, or whose submission failed.
        "TASK_FINISHED", "TASK_CANCELED", "TASK_NOT_FOUND",
    ]

    /// The samples under load once the warm-up is over, and those of its last tenth.
    private var halves: (early: ArraySlice<SoakSample>, late: ArraySlice<SoakSample>) {
        let (warm, end) = (plan.warmUp / .seconds(1), plan.time / .seconds(1))
        let settled = samples.filter { $0.at > warm && $0.at <= end }[...]
        let part = max(1, settled.count / 8)
        return (settled.prefix(part), settled.suffix(part))
    }

    /// Adds to ``broken`` whatever grew, got lost or failed for a reason that it should not have.
    mutating func judge() {
        if !lost.isEmpty { broken.append("\(lost.count) tasks were lost, such as \(lost[0])") }
        if !contradicted.isEmpty {
            broken.append("\(contradicted.count) tasks are not what was said of them, such as \(contradicted[0])")
        }
        let (early, late) = halves
        guard !early.isEmpty, let after else {
            broken.append("there are too few samples")
            return
        }
        let memory = (early.map(\.first.residentBytes).middle, late.map(\.first.residentBytes).middle)
        if Double(memory.1) > Double(memory.0) * SoakReport.growthFactor + Double(SoakReport.growthBytes) {
            broken.append("the scheduler's memory grew from \(memory.0) to \(memory.1) bytes")
        }
        let descriptors = (early.map(\.first.descriptors).middle, late.map(\.first.descriptors).middle)
        if descriptors.1 > descriptors.0 + descriptors.0 / 20 + SoakReport.descriptorsSlack {
            broken.append("the scheduler's descriptors grew from \(descriptors.0) to \(descriptors.1)")
        }
        if after.descriptors > before.descriptors + SoakReport.descriptorsSlack {
            broken.append("\(after.descriptors) descriptors are left of \(before.descriptors), without any client")
        }
        if after.threads > late.map(\.first.threads).middle + 2 { broken.append("threads grew to \(after.threads)") }
        // Those of the scheduler that is never killed stay, and those of the other come back.
        let idle = [
            late.map { $0.idle[0] }.min() ?? 0, samples.suffix(samples.count / 2).map { $0.idle[1] }.max() ?? 0,
        ]
        // What the clients do not hear of: a server that took connections for dead has fewer descriptors than they think.
        if let held = late.map(\.first.descriptors).min(), held < plan.idle / 2 {
            broken.append("the first scheduler has \(held) descriptors for \(plan.idle / 2) idle connections")
        }
        for (server, count) in idle.enumerated() where count < plan.idle / 2 {
            broken.append("\(count) idle connections of \(plan.idle / 2) are open at scheduler \(server + 1)")
        }
        for failure in failures.keys.sorted() {
            let reason = failure.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? failure
            if !SoakReport.expectedFailures.contains(reason) {
                broken.append("\(failures[failure] ?? 0) calls failed as none should: \(failure)")
            }
        }
    }

    private var failures: [String: Int] {
        samples.reduce(into: [:]) { sums, sample in sums.merge(sample.failures) { $0 + $1 } }
    }
}

extension SoakReport: CustomStringConvertible {
    /// A few lines for people.
    var description: String {
        let (early, late) = halves
        func range(_ what: String, _ value: (SoakSample) -> Int, by unit: Int = 1) -> String {
            "\(what): \(early.map(value).middle / unit) after the warm-up, \(late.map(value).middle / unit) at the end"
        }
        let faults = samples.flatMap(\.faults).reduce(into: [:]) { $0[$1.rawValue, default: 0] += 1 }
        let times = Set(samples.flatMap { $0.times.keys }).sorted().map { name in
            let all = samples.compactMap { $0.times[name] }
            let (p50, p99) = (all.map(\.p50).median, all.map(\.p99))
            return String(
                format: "  %@ p50 %.1f ms, p99 %.1f ms, at worst %.0f ms",
                name.padding(toLength: 14, withPad: " ", startingAt: 0) as NSString, p50, p99.median, p99.max() ?? 0)
        }
        return
            ([
                "\(samples.map(\.calls).reduce(0, +)) calls in \(Int(plan.time / .seconds(1))) s, \(submitted) tasks: \(tasks.listed)",
                "faults: \(faults.listed)", "failures: \(failures.listed)",
                range("memory of the scheduler, KiB", { $0.first.residentBytes }, by: 1024),
                range("descriptors", { $0.first.descriptors }), range("threads", { $0.first.threads }),
                range("memory of Redis, KiB", { $0.redisBytes ?? 0 }, by: 1024),
                range("idle connections of the scheduler", { $0.idle[0] }),
                range("those of the one that is killed", { $0.idle[1] }),
                "descriptors without any client: \(before.descriptors) before, \(after?.descriptors ?? 0) after",
                "times, medians of all intervals:",
            ] + times + [broken.isEmpty ? "nothing grew, nothing was lost" : "broken: \(broken)"]).joined(
                separator: "\n")
    }
}

extension Sequence<Int> {
    /// The value in the middle.
    fileprivate var middle: Int {
        let values = sorted()
        return values.isEmpty ? 0 : values[values.count / 2]
    }
}

extension [String: Int] {
    fileprivate var listed: String {
        isEmpty ? "none" : sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
