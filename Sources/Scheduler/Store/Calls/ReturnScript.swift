import DMSModel
import NIOCore
import RedisLink

/// `return.lua`: puts a task back to its place in its queue.
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
    private let answerPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases] + keys.marksInOrder)
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
        answerPrefix = keys.answerPrefix
    }

    func call(
        _ lease: LeaseReference, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.return, keys: keys, [recordPrefix + lease.taskID.text],
            [
                .text(lease.taskID.text), .text(lease.token), .text(now.description), .text(wakeChannel),
                .text(answerPrefix),
            ]
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
