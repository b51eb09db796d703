import DMSModel
import NIOCore
import RedisLink

/// `cancel.lua`: takes a queued task off its queue, and marks it canceled.
struct CancelScript {
    /// What became of a cancellation.
    enum Outcome {
        /// The task is canceled, now or already; its record's text.
        case canceled(ByteBuffer)
        case unknown
        case notOwner
        case finished
    }

    private let keys: RedisKeys
    private let recordPrefix: String
    private let answerPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats, keys.leases] + keys.marksInOrder)
        recordPrefix = keys.recordPrefix
        answerPrefix = keys.answerPrefix
    }

    func call(
        _ cancellation: TaskCancellation, anyOwner: Bool, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.cancel, keys: keys, [recordPrefix + cancellation.taskID.text],
            [
                .text(cancellation.taskID.text), .text(cancellation.service), .text(cancellation.userID),
                .text(anyOwner ? "1" : "0"), .text(now.description),
                .text(answerPrefix),
            ]
        ) { reply throws(RedisError) in
            switch try reply.integer(at: 0) {
            case 0, 1: return .canceled(try reply.bytes(at: 1))
            case -1: return .unknown
            case -2: return .notOwner
            case -3: return .finished
            case let other: throw .unexpectedReply("cancel.lua answered \(other)")
            }
        }
    }
}
