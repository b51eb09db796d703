import DMSModel
import NIOCore
import RedisLink

/// `mend_positions.lua`: makes the index of positions of a queue agree with its list, some ids a call.
struct MendPositionsScript {
    /// What one call came to.
    enum Outcome: Int {
        case agreed = 0
        case mended = 1
        /// There is more to do.
        case unfinished = 2
        /// There is more to do: the index is made from the whole list.
        case begunAnew = 3

        var isDone: Bool { self == .agreed || self == .mended }
    }

    /// What one call did.
    struct Step {
        var outcome: Outcome
        /// Ids of the list that it walked over: what it cost.
        var walked: Int
    }

    /// Ids that one call looks at: about a millisecond of Redis's time.
    private static let idsMax = 1000

    private let keys: [Priority: RedisKeys]

    init(keys: StoreKeys) {
        self.keys = Dictionary(
            uniqueKeysWithValues: Priority.allCases.map { priority in
                (
                    priority,
                    RedisKeys([
                        keys.queue(priority), keys.positions(priority), keys.sequence, keys.marks(priority),
                    ])
                )
            })
    }

    /// `id` is a queued task that the index does not know; `countingMarks` costs a walk through the list.
    func call(
        _ priority: Priority, missing id: TaskID?, countingMarks: Bool, on connection: RedisConnection
    ) -> EventLoopFuture<Step> {
        connection.evaluate(
            StoreScripts.mendPositions, keys: keys[priority] ?? RedisKeys([]), [],
            [.text(id?.text ?? ""), .integer(MendPositionsScript.idsMax), .text(countingMarks ? "1" : "0")]
        ) { reply throws(RedisError) in
            Step(outcome: try Outcome(answer: reply.integer(at: 0)), walked: try reply.counted(at: 1))
        }
    }
}
