import DMSModel
import NIOCore
import RedisLink

/// `read_overview.lua`: the queues' lengths, read in one step.
struct ReadOverviewScript {
    private let keys: RedisKeys

    init(keys: StoreKeys) { self.keys = RedisKeys(keys.queuesPositionsAndMarks) }

    func call(on connection: RedisConnection) -> EventLoopFuture<QueueOverview> {
        connection.evaluate(StoreScripts.readOverview, keys: keys, [], []) { reply throws(RedisError) in
            try QueueOverview(reply, from: 0)
        }
    }
}
