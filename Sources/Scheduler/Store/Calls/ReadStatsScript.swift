import DMSModel
import NIOCore
import RedisLink

/// `read_stats.lua`: the counters and the queues' lengths, read in one step.
struct ReadStatsScript {
    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesPositionsAndMarks + [keys.stats, keys.leases, keys.setAside])
        recordPrefix = keys.recordPrefix
    }

    func call(on connection: RedisConnection) -> EventLoopFuture<Statistics> {
        connection.evaluate(StoreScripts.readStats, keys: keys, [], [.text(recordPrefix)]) {
            reply throws(RedisError) in try ReadStatsScript.decode(reply)
        }
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Statistics {
        let lastUpdated = try reply.optionalBytes(at: 8)
        let heads = try reply.element(4) { heads throws(RedisError) in
            try heads.map { head throws(RedisError) in try head.text() }
        }
        return Statistics(
            queued: try ReadStatsScript.counter(reply, 5), dispatched: try ReadStatsScript.counter(reply, 6),
            canceled: try ReadStatsScript.counter(reply, 7),
            lastUpdated: lastUpdated.flatMap { Timestamp(text: String(buffer: $0)) },
            overview: try QueueOverview(reply, from: 0), completed: try ReadStatsScript.counter(reply, 9),
            failed: try ReadStatsScript.counter(reply, 10), requeued: try ReadStatsScript.counter(reply, 11),
            leased: UInt64(try reply.counted(at: 3)), oldestQueuedAt: heads.compactMap { Timestamp(text: $0) }.min(),
            setAside: UInt64(try reply.counted(at: 12)))
    }

    /// A counter; 0 where nothing was counted yet.
    private static func counter(_ reply: borrowing RedisReply, _ index: Int) throws(RedisError) -> UInt64 {
        guard let text = try reply.optionalBytes(at: index) else { return 0 }
        return UInt64(String(buffer: text)) ?? 0
    }
}
