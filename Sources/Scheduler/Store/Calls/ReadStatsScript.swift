import DMSModel
import NIOCore
import RedisLink

/// `read_stats.lua`: the counters and the queues' lengths, read in one step.
struct ReadStatsScript {
    private let keys: RedisKeys

    init(keys: StoreKeys) { self.keys = RedisKeys(Priority.handOutOrder.map(keys.queue) + [keys.stats]) }

    func call(on connection: RedisConnection) -> EventLoopFuture<Statistics> {
        connection.evaluate(StoreScripts.readStats, keys: keys, [], []) { reply throws(RedisError) in
            func counter(_ index: Int) throws(RedisError) -> UInt64 {
                // The answer's array ends at its last counter that was ever set.
                guard index < reply.count else { return 0 }
                return try reply.element(index) { value throws(RedisError) in
                    value.kind == .null ? 0 : UInt64(try value.text()) ?? 0
                }
            }
            let lastUpdated = try reply.element(6) { try $0.optionalBytes() }
            return Statistics(
                queued: try counter(3), dispatched: try counter(4), canceled: try counter(5),
                lastUpdated: lastUpdated.flatMap { Timestamp(text: String(buffer: $0)) },
                overview: try QueueOverview(reply, from: 0))
        }
    }
}
