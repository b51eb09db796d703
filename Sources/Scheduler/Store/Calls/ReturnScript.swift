import DMSModel
import NIOCore
import RedisLink

/// `return.lua`: puts a task back at the head of its queue.
struct ReturnScript {
    /// What became of a return.
    enum Outcome {
        /// The task is back, now or already, or it was canceled; its record's text.
        case done(ByteBuffer)
        case unknown
        case lost
    }

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases])
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
    }

    func call(
        _ lease: LeaseReference, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.return, keys: keys, [recordPrefix + lease.taskID.text],
            [.text(lease.taskID.text), .text(lease.token), .text(now.description), .text(wakeChannel)]
        ) { reply throws(RedisError) in
            switch try reply.integer(at: 0) {
            case 0, 1: return .done(try reply.bytes(at: 1))
            case -1: return .unknown
            case -2: return .lost
            case let other: throw .unexpectedReply("return.lua answered \(other)")
            }
        }
    }
}
