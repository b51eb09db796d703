import DMSModel
import NIOCore
import RedisLink

/// `set_priority.lua`: moves a queued task to the tail of another queue.
struct SetPriorityScript {
    /// What became of a change of priority.
    enum Outcome {
        /// The task has that priority, now or already; its record's text.
        case done(ByteBuffer)
        case unknown
        case notQueued
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.sequence] + keys.marksInOrder)
        recordPrefix = keys.recordPrefix
    }

    func call(
        _ id: TaskID, priority: Priority, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.setPriority, keys: keys, [recordPrefix + id.text],
            [.text(id.text), .text(priority.rawValue), .text(now.description)]
        ) { reply throws(RedisError) in
            switch try reply.integer(at: 0) {
            case 0, 1: return .done(try reply.bytes(at: 1))
            case -1: return .unknown
            case -2: return .notQueued
            case let other: throw .unexpectedReply("set_priority.lua answered \(other)")
            }
        }
    }
}
