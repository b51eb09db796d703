import DMSModel
import NIOCore
import RedisLink

/// `put_back.lua`: tasks that could not be delivered go back to their places in their queues.
struct PutBackScript {
    /// One answer that came to nobody.
    struct Undelivered: Sendable {
        /// What was taken for it; nothing where the answer itself was lost.
        ///
        /// What the call took is known to the answer that was kept then, if it took anything.
        var handOut: HandOut
        /// Where the answer was kept; nil: it was not.
        var kept: KeptAnswer?
    }

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases] + keys.marksInOrder)
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
    }

    /// How many tasks of these answers went back; those that somebody may have did not.
    func call(
        _ answers: [Undelivered], at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        let tasks = answers.reduce(0) { $0 + $1.handOut.tasks.count }
        return connection.evaluate(
            StoreScripts.putBack, keys: keys, callKeys: tasks + answers.count { $0.kept != nil },
            arguments: 4 + 2 * answers.count + 5 * tasks
        ) { words in
            for answer in answers {
                for task in answer.handOut.tasks { words.append(recordPrefix + task.record.taskID.text) }
                if let kept = answer.kept { words.append(kept.key) }
            }
            words.append(now.description)
            words.append(wakeChannel)
            words.append(recordPrefix)
            words.append(.integer(Limits.answerKeptMilliseconds))
            for answer in answers {
                words.append(answer.kept?.call ?? "")
                words.append(answer.handOut.tasks.count)
                for (index, task) in answer.handOut.tasks.enumerated() {
                    words.append(task.record.taskID.text)
                    words.append(Int(task.record.attempt))
                    words.append(task.record.updatedAt.description)
                    words.append(task.leaseToken)
                    // A token tells the place better: of a task that came back before only Redis knows it.
                    let place = task.leaseToken.isEmpty ? answer.handOut.place(ofTask: index) : nil
                    words.append(place.map { String($0) } ?? "")
                }
            }
        } decode: { reply throws(RedisError) in
            try reply.integer()
        }
    }
}
