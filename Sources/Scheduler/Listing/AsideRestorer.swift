import DMSModel
import Logging
import NIOCore

/// Puts tasks that were set aside, and whose records can be read by now, back into their queues.
struct AsideRestorer {
    let pool: SchedulerPool
    let logger: Logger

    /// Looks at every id that was set aside.
    func look() async throws(SchedulerError) {
        var restored = 0
        var cursor = "0"
        repeat {
            let from = cursor
            let found = try await pool.call { $0.store.scanIDs(.setAside, from: from) }
            var rest = found.ids[...]
            while !rest.isEmpty {
                let ids = rest
                let outcome = try await pool.call { $0.store.restore(ids) }
                restored += outcome.restored
                // Every call looks at one id at least.
                rest = rest.dropFirst(max(1, outcome.looked))
            }
            cursor = found.cursor
        } while cursor != "0"
        guard restored > 0 else { return }
        logger.notice(
            "Tasks that were set aside can be read again: they stand at the tails of their queues",
            metadata: ["count": "\(restored)"])
    }
}
