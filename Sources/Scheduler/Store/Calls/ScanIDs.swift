import NIOCore
import RedisLink

/// A few ids of a key that holds them, as `SSCAN` and `ZSCAN` hand them out.
struct ScanIDs {
    /// Where ids are looked through.
    enum Source: CaseIterable {
        /// Every known id.
        case known
        /// What the order holds.
        case ordered
        /// What the order leaves out.
        case leftOut
        /// What was set aside.
        case setAside
    }

    /// Some ids, and where to go on; `0` begins and ends.
    struct Outcome {
        var cursor: String
        /// Any bytes may be an id of another program's.
        var ids: [ByteBuffer]
    }

    /// How many ids Redis is asked for at once.
    static let countWanted = IndexTasksScript.idsMax

    private let keys: StoreKeys

    init(keys: StoreKeys) { self.keys = keys }

    func call(_ source: Source, from cursor: String, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let (name, key) =
            switch source {
            case .known: ("SSCAN", keys.index)
            case .ordered: ("ZSCAN", keys.enqueued)
            case .leftOut: ("SSCAN", keys.enqueuedLeftOut)
            case .setAside: ("SSCAN", keys.setAside)
            }
        let command = RedisCommand(name, key, cursor, "COUNT", "\(ScanIDs.countWanted)", readOnly: true)
        return connection.send(command) { reply throws(RedisError) in try ScanIDs.decode(reply, from: source) }
    }

    static func decode(_ reply: borrowing RedisReply, from source: Source) throws(RedisError) -> Outcome {
        var ids = try reply.element(1) { ids throws(RedisError) in
            try ids.map { id throws(RedisError) in try id.bytes() }
        }
        // Scores stand between the ids of a sorted set.
        if source == .ordered { ids = stride(from: 0, to: ids.count, by: 2).map { ids[$0] } }
        return Outcome(cursor: try reply.element(0) { cursor throws(RedisError) in try cursor.text() }, ids: ids)
    }
}
