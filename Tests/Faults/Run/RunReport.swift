import FaultLedger
import Foundation

/// What a run came to, for people and for programs.
struct RunReport {
    private static let violationsShownMax = 8

    /// The report's figures, as JSON.
    private struct Figures: Encodable {
        var seed: UInt64
        var seconds: Double
        var schedulers: Int
        var clients: Int
        var calls: [String: [String: Int]]
        var tasks: Int
        var stranded: Int
        /// How long each lasted, until all servers followed the new master.
        var failoverSeconds: [Double]
        var faults: [String: Int]
        var violations: [String]
    }

    private let figures: Figures
    private let details: [String]

    init(plan: RunPlan, history: History, faults: [FaultKind: Int], snapshot: StoreSnapshot, ledger: Ledger) {
        let violations = ledger.violations()
        var calls: [String: [String: Int]] = [:]
        for call in history.calls { calls[call.operation.name, default: [:]][call.outcome.name, default: 0] += 1 }
        figures = Figures(
            seed: plan.seed, seconds: plan.seconds, schedulers: plan.schedulers, clients: plan.clients, calls: calls,
            tasks: snapshot.records.count, stranded: history.stranded.count,
            failoverSeconds: history.failovers.compactMap { failover in
                failover.ended.map { $0.seconds - failover.began.seconds }
            },
            faults: Dictionary(uniqueKeysWithValues: plan.faults.map { ($0.rawValue, faults[$0] ?? 0) }),
            violations: violations.map { "\($0.rule.rawValue): \($0.sentence)" })
        details = violations.prefix(RunReport.violationsShownMax).map { violation in
            "VIOLATION (\(violation.rule.rawValue)): \(violation.sentence)\n    tasks \(violation.tasks.prefix(5)), seed \(plan.seed)\n"
                + ledger.relevant(to: violation).map { "    \($0)\n" }.joined()
        }
    }

    var isViolated: Bool { !figures.violations.isEmpty }

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try encoder.encode(figures)
        }
    }

    var text: String {
        func row(_ cells: [String]) -> String {
            cells.enumerated().map { place, cell in
                place == 0
                    ? cell.padding(toLength: 20, withPad: " ", startingAt: 0)
                    : String(repeating: " ", count: max(0, 10 - cell.count)) + cell
            }.joined()
        }
        let outcomes = ["done", "refused", "not done", "unknown"]
        var lines = [row(["calls"] + outcomes)]
        for (name, counts) in figures.calls.sorted(by: { $0.key < $1.key }) {
            lines.append(row([name] + outcomes.map { String(counts[$0] ?? 0) }))
        }
        lines.append("\nfaults")
        for kind in FaultKind.allCases {
            if let count = figures.faults[kind.rawValue] { lines.append(row([kind.rawValue, String(count)])) }
        }
        lines.append(
            "\nseed \(figures.seed), \(Int(figures.seconds)) s, \(figures.tasks) tasks, \(figures.stranded) lost on the way without a lease"
        )
        if !figures.failoverSeconds.isEmpty {
            let seconds = figures.failoverSeconds.sorted()
            lines.append(
                "\(seconds.count) failovers, until all was whole again \(Int(seconds[0] * 1000)) to "
                    + "\(Int(seconds[seconds.count - 1] * 1000)) ms")
        }
        lines += details
        lines.append("violations: \(figures.violations.count)")
        return lines.joined(separator: "\n")
    }
}

extension Question {
    fileprivate var name: String {
        switch self {
        case .enqueue: "Enqueue"
        case .next: "Next"
        case .ack: "Ack"
        case .renew: "Renew"
        case .giveBack: "Return"
        case .finish: "Finish"
        case .cancel: "Cancel"
        case .setPriority: "SetPriority"
        case .get: "Get"
        case .list: "List"
        case .statistics: "GetStats"
        case .block: "Block, Resume"
        }
    }
}

extension Outcome {
    fileprivate var name: String {
        switch self {
        case .done: "done"
        case .refused: "refused"
        case .notDone: "not done"
        case .unknown: "unknown"
        }
    }
}
