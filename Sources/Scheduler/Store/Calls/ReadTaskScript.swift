import DMSModel
import NIOCore
import RedisLink

/// `read_task.lua`: a task, its position and the queues' lengths, read in one step.
struct ReadTaskScript {
    /// What was read.
    struct Outcome {
        /// The record's text, as it is kept.
        var record: ByteBuffer
        /// The task's place in its queue, from 0; nil where it stands in none.
        var rank: Int?
        /// Whether the index that gave the rank agrees with its list.
        var isIndexRight: Bool
        var overview: QueueOverview
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions)
        recordPrefix = keys.recordPrefix
    }

    func call(_ id: TaskID, on connection: RedisConnection) -> EventLoopFuture<Outcome?> {
        connection.evaluate(StoreScripts.readTask, keys: keys, [recordPrefix + id.text], [.text(id.text)]) {
            reply throws(RedisError) in
            guard reply.count > 0 else { return nil }
            let rank = try reply.element(1) { try $0.integer() }
            return Outcome(
                record: try reply.element(0) { try $0.bytes() }, rank: rank < 0 ? nil : rank,
                isIndexRight: try reply.element(2) { try $0.integer() } == 1,
                overview: try QueueOverview(reply, from: 3))
        }
    }
}

extension QueueOverview {
    /// From three lengths in a script's answer: high, mid, low.
    init(_ reply: borrowing RedisReply, from index: Int) throws(RedisError) {
        self.init(
            high: UInt64(try reply.element(index) { try $0.integer() }),
            mid: UInt64(try reply.element(index + 1) { try $0.integer() }),
            low: UInt64(try reply.element(index + 2) { try $0.integer() }))
    }
}
