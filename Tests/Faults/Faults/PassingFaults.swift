import FaultLedger
import TestSupport

/// Tells the master in passing what costs it nothing, and its clients a repetition or a connection.
struct PassingFaults: Sendable {
    private static let pauseMilliseconds = 20...160

    let servers: any StoreServers
    let stage: Stage

    /// Makes faults while it is time for them.
    func run() async {
        let kinds = FaultKind.allCases.filter { $0.group == .passing && stage.plan.faults.contains($0) }
        var random = stage.random(for: 2)
        while !stage.isOver, !Task.isCancelled {
            try? await Task.sleep(
                for: .milliseconds(Int.random(in: PassingFaults.pauseMilliseconds, using: &random)))
            guard stage.isRough, let kind = kinds.randomElement(using: &random) else { continue }
            let words: [String] =
                switch kind {
                case .scriptFlush: ["SCRIPT", "FLUSH"]
                default: ["CLIENT", "KILL", "TYPE", random.chance(80) ? "normal" : "pubsub"]
                }
            if (try? await servers.master?.call(words)) != nil { stage.recorder.count(kind) }
        }
    }
}
