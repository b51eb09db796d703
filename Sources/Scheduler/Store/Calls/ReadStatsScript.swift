import DMSModel
import NIOCore
import RedisLink

/// `read_stats.lua`: the counters and the queues' lengths, read in one step.
struct ReadStatsScript {
    private let keys: RedisKeys

    init(keys: StoreKeys) { self.keys = RedisKeys(Priority.handOutOrder.map(keys.queue) + [keys.stats]) }

    func call(on connection: RedisConnection) -> EventLoopFuture<Statistics> {
        connection.evaluate(StoreScripts.readStats, keys: keys, [], []) { reply throws(RedisError) in
            let lastUpdated = try reply.optionalBytes(at: 6)
            return Statistics(
                queued: try ReadStatsScript.counter(reply, 3), dispatched: try ReadStatsScript.counter(reply, 4),
                canceled: try ReadStatsScript.counter(reply, 5),
                lastUpdated: lastUpdated.flatMap { Timestamp(text: String(buffer: $0)) },
                overview: try QueueOverview(reply, from: 0))
        }
    }

    /// A counter; 0 where nothing was counted yet.
    private static func counter(_ reply: borrowing RedisReply, _ index: Int) throws(RedisError) -> UInt64 {
        guard let text = try reply.optionalBytes(at: index) else { return 0 }
        return UInt64(String(buffer: text)) ?? 0
    }
}
