import DMSModel
import NIOCore
import RedisLink

/// `set_aside.lua`: tasks that were handed out and whose records turned out to be none are kept apart, as they were.
struct SetAsideScript {
    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys([keys.stats, keys.leases, keys.setAside])
        recordPrefix = keys.recordPrefix
    }

    /// How many were set aside; `handedOut` is the time that they were handed out with.
    func call(
        _ ids: [String], handedOut: Timestamp, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        connection.evaluate(
            StoreScripts.setAside, keys: keys, ids.map { recordPrefix + $0 },
            [.text(now.description), .text(handedOut.description)] + ids.map { .text($0) }
        ) { reply throws(RedisError) in try reply.counted() }
    }
}
