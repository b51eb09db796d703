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

    /// How many were set aside; `handedOut` is the time that they were handed out with, `kept` where the answers are kept that they
    /// came in.
    func call(
        _ ids: [String], handedOut: Timestamp, kept: [String], at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        connection.evaluate(
            StoreScripts.setAside, keys: keys, ids.map { recordPrefix + $0 } + kept,
            [.text(now.description), .text(handedOut.description)] + ids.map { .text($0) }
        ) { reply throws(RedisError) in try reply.counted() }
    }
}
