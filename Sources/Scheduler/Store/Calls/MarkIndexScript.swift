import NIOCore
import RedisLink

/// `mark_index.lua`: says whether the order of tasks is complete, and marks it so.
struct MarkIndexScript {
    /// When the mark is set.
    enum Mode: String {
        /// Not by this call.
        case check
        /// Where there are as many ids as are ordered or left out.
        case agrees
        case always
    }

    /// What is known of the order.
    struct Outcome {
        /// Whether the mark is there now.
        var isBuilt: Bool
        /// How many known ids the order lacks; negative where it holds more than there are.
        var missing: Int
    }

    private let keys: RedisKeys

    init(keys: StoreKeys) { self.keys = RedisKeys(keys.order) }

    func call(_ mode: Mode, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        connection.evaluate(StoreScripts.markIndex, keys: keys, [], [.text(mode.rawValue)]) {
            reply throws(RedisError) in
            Outcome(isBuilt: try reply.integer(at: 0) == 1, missing: try reply.integer(at: 1))
        }
    }
}
