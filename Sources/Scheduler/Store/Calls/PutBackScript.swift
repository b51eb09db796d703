import DMSModel
import NIOCore
import RedisLink

/// `put_back.lua`: tasks that could not be delivered go back to the heads of their queues.
struct PutBackScript {
    /// Tasks of one answer, in the order of hand-out.
    struct Undelivered: Sendable {
        var tasks: [LeasedTask]
        /// Under which name the answer was kept; nil: it was not.
        var answerKey: String?
    }

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases])
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
    }

    /// How many went back; -1: the answer was asked for again meanwhile, so somebody has them.
    func call(_ undelivered: Undelivered, at now: Timestamp, on connection: RedisConnection) -> EventLoopFuture<Int> {
        let (tasks, answerKey) = (undelivered.tasks, undelivered.answerKey)
        return connection.evaluate(
            StoreScripts.putBack, keys: keys, callKeys: tasks.count + (answerKey == nil ? 0 : 1),
            arguments: 4 + 3 * tasks.count
        ) { words in
            for task in tasks { words.append(recordPrefix + task.record.taskID.text) }
            if let answerKey { words.append(answerKey) }
            words.append(now.description)
            words.append(wakeChannel)
            words.append(answerKey == nil ? "0" : "1")
            words.append(tasks.first?.leaseToken ?? "")
            for task in tasks {
                words.append(task.record.taskID.text)
                words.append(Int(task.record.attempt))
                words.append(task.record.updatedAt.description)
            }
        } decode: { reply throws(RedisError) in
            try reply.integer()
        }
    }
}
