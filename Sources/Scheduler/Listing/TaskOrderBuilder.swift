import DMSModel
import Logging
import NIOCore

/// Makes the order of tasks agree with the set of known ids, in steps that hold Redis for milliseconds only.
///
/// It may be broken off anywhere, and several schedulers may do it at once while tasks come: each step looks at a few ids, and
/// leaves each as it should be. What is ordered already is not read again.
struct TaskOrderBuilder {
    /// How often all ids are looked through before the order counts as complete though the numbers differ: another program
    /// may add ids all the while, and each page that is asked for has the difference looked at again.
    private static let roundsMax = 3
    private static let leftOutLogged = 10

    let pool: SchedulerPool
    let logger: Logger

    private struct Totals {
        var added = 0
        var removed = 0
        var leftOut = 0
        var someLeftOut: [String] = []
    }

    /// Looks at what was left out so far and, where the numbers differ or everything is wanted, at every known id.
    func look(atEverything: Bool) async throws(SchedulerError) {
        var totals = Totals()
        let start = ContinuousClock.now
        try await scan(.leftOut, &totals)
        var state = try await pool.call { $0.store.markIndex(.check) }
        if atEverything || !state.isBuilt || state.missing != 0 {
            for round in 1...TaskOrderBuilder.roundsMax {
                try await scan(.known, &totals)
                state = try await pool.call { $0.store.markIndex(.check) }
                if state.missing < 0 {
                    try await scan(.leftOut, &totals)
                    try await scan(.ordered, &totals)
                }
                let mode: MarkIndexScript.Mode = round < TaskOrderBuilder.roundsMax ? .agrees : .always
                state = try await pool.call { $0.store.markIndex(mode) }
                if state.missing == 0 { break }
            }
        }
        log(totals, took: ContinuousClock.now - start)
    }

    private func scan(_ source: ScanIDs.Source, _ totals: inout Totals) async throws(SchedulerError) {
        var cursor = "0"
        repeat {
            let from = cursor
            let found = try await pool.call { $0.store.scanIDs(source, from: from) }
            var rest = found.ids[...]
            while !rest.isEmpty {
                let ids = rest.prefix(IndexTasksScript.idsMax)
                let outcome = try await pool.call { $0.store.indexTasks(ids) }
                totals.added += outcome.added
                totals.removed += outcome.removed
                totals.leftOut += outcome.leftOut.count
                let room = TaskOrderBuilder.leftOutLogged - totals.someLeftOut.count
                totals.someLeftOut += outcome.leftOut.prefix(max(0, room))
                // Every call looks at one id at least.
                rest = rest.dropFirst(max(1, outcome.looked))
            }
            cursor = found.cursor
        } while cursor != "0"
    }

    private func log(_ totals: Totals, took: Duration) {
        if totals.added > 0 || totals.removed > 0 {
            logger.notice(
                "The order of tasks was made to agree with the known ids",
                metadata: ["added": "\(totals.added)", "removed": "\(totals.removed)", "took": "\(took)"])
        }
        if totals.leftOut > 0 {
            logger.warning(
                "Known ids are left out of lists: they have no record that can be read",
                metadata: ["count": "\(totals.leftOut)", "some": "\(totals.someLeftOut)"])
        }
    }
}
