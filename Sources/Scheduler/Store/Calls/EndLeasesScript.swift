import DMSModel
import NIOCore
import RedisLink

/// `end_leases.lua`: puts the tasks whose leases have ended back to their places in their queues.
struct EndLeasesScript {
    /// What was done, and what comes next.
    struct Outcome {
        var requeued: Int
        /// Whether more leases have ended than one call ends.
        var hasMore: Bool
        /// Until the next lease ends; nil: there is none.
        var untilNext: Duration?
        /// A few ids that had a lease and no task.
        var strays: [String]
    }

    private static let tasksMax = 1000
    private static let bytesMax = 16 << 20

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String
    private let answerPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases] + keys.marksInOrder)
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
        answerPrefix = keys.answerPrefix
    }

    func call(at now: Timestamp, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.endLeases, keys: keys, [],
            [
                .text(recordPrefix), .text(now.description), .text(wakeChannel),
                .integer(EndLeasesScript.tasksMax), .integer(EndLeasesScript.bytesMax), .text(answerPrefix),
            ]
        ) { reply throws(RedisError) in try EndLeasesScript.decode(reply) }
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome {
        let next = try reply.integer(at: 2)
        return Outcome(
            requeued: try reply.integer(at: 0), hasMore: try reply.integer(at: 1) == 1,
            untilNext: next < 0 ? nil : .microseconds(next),
            strays: try reply.element(3) { ids throws(RedisError) in
                try ids.map { id throws(RedisError) in try id.text() }
            })
    }
}
