import DMSModel
import NIOCore
import RedisLink

/// `mend_positions.lua`: makes the index of positions of a queue agree with its list.
struct MendPositionsScript {
    /// What was needed.
    enum Outcome: Int {
        case agreed = 0
        case mendedEnds = 1
        case rebuilt = 2
    }

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

    func call(_ priority: Priority, missing id: TaskID?, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.mendPositions, keys: keys[priority] ?? RedisKeys([]), [], [.text(id?.text ?? "")]
        ) {
            reply throws(RedisError) in
            try Outcome(answer: reply.integer(at: 0))
        }
    }
}
