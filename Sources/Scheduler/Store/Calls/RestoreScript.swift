import DMSModel
import NIOCore
import RedisLink

/// `restore.lua`: ids that were set aside and whose records can be read by now go back to their queues.
struct RestoreScript {
    /// What was done.
    struct Outcome {
        /// How many of the ids were looked at, from the first; the others are for another call.
        var looked: Int
        /// How many went back to their queues.
        var restored: Int
    }

    /// Bytes of records after which a call reads no further one.
    private static let bytesMax = 64 << 10

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.sequence, keys.setAside])
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
    }

    func call(_ ids: some Collection<ByteBuffer>, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let arguments: [RedisArgument] = [
            .text(recordPrefix), .integer(Limits.handOutBytesMax), .text(wakeChannel), .integer(RestoreScript.bytesMax),
        ]
        return connection.evaluate(StoreScripts.restore, keys: keys, [], arguments + ids.map { .bytes($0) }) {
            reply throws(RedisError) in
            Outcome(looked: try reply.counted(at: 0), restored: try reply.counted(at: 1))
        }
    }
}
