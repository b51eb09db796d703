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

    /// What was found.
    enum Finding {
        case task(Outcome)
        /// A record that has more bytes than were to be read: so many.
        case large(Int)
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesPositionsAndMarks)
        recordPrefix = keys.recordPrefix
    }

    func call(_ id: TaskID, bytesMax: Int, on connection: RedisConnection) -> EventLoopFuture<Finding?> {
        connection.evaluate(
            StoreScripts.readTask, keys: keys, [recordPrefix + id.text], [.text(id.text), .integer(bytesMax)]
        ) { reply throws(RedisError) in
            if reply.count == 1 { return .large(try reply.integer(at: 0)) }
            return try ReadTaskScript.decode(reply).map { .task($0) }
        }
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome? {
        guard reply.count > 0 else { return nil }
        let rank = try reply.integer(at: 1)
        return Outcome(
            record: try reply.bytes(at: 0), rank: rank < 0 ? nil : rank, isIndexRight: try reply.integer(at: 2) == 1,
            overview: try QueueOverview(reply, from: 3))
    }
}

extension QueueOverview {
    /// From three lengths in a script's answer: high, mid, low.
    init(_ reply: borrowing RedisReply, from index: Int) throws(RedisError) {
        self.init(
            high: UInt64(try reply.counted(at: index)),
            mid: UInt64(try reply.counted(at: index + 1)),
            low: UInt64(try reply.counted(at: index + 2)))
    }
}
