import DMSModel
import NIOCore
import RedisLink

/// `index_tasks.lua`: makes the order of tasks say of some ids what their records say.
struct IndexTasksScript {
    /// What was done.
    struct Outcome {
        /// How many of the ids were looked at, from the first; the others are for another call.
        var looked: Int
        var added: Int
        var removed: Int
        /// Ids that are left out from now on, because they have no record that can be read.
        var leftOut: [String]
    }

    /// Ids that one call looks at; with records of usual size that holds Redis for two milliseconds.
    static let idsMax = 128
    /// Bytes of records after which a call reads no further one.
    private static let bytesMax = 256 << 10

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.order.dropLast())
        recordPrefix = keys.recordPrefix
    }

    func call(_ ids: some Collection<ByteBuffer>, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let arguments: [RedisArgument] = [.text(recordPrefix), .integer(IndexTasksScript.bytesMax)]
        return connection.evaluate(
            StoreScripts.indexTasks, keys: keys, [], arguments + ids.map { .bytes($0) }
        ) { reply throws(RedisError) in try IndexTasksScript.decode(reply) }
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome {
        Outcome(
            looked: try reply.counted(at: 0), added: try reply.counted(at: 1), removed: try reply.counted(at: 2),
            leftOut: try reply.element(3) { ids throws(RedisError) in
                try ids.map { id throws(RedisError) in try id.text() }
            })
    }
}
