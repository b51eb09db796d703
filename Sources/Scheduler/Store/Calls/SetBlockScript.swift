import DMSModel
import NIOCore
import RedisLink

/// `set_block.lua`: opens or closes the queues for new submissions.
struct SetBlockScript {
    /// Which reason the flag gets.
    enum Reason {
        case keepsEarlier
        case becomes(String?)
    }

    private let keys: RedisKeys

    init(keys: StoreKeys) { self.keys = RedisKeys([keys.block]) }

    func call(
        _ blocked: Bool, reason: Reason, at now: Timestamp, on connection: RedisConnection
    ) -> EventLoopFuture<BlockState> {
        let (keeps, text): (String, ByteBuffer) =
            switch reason {
            case .keepsEarlier: ("1", ByteBuffer(string: "null"))
            case .becomes(let sentence): ("0", sentence.map(JSONString.encode) ?? ByteBuffer(string: "null"))
            }
        return connection.evaluate(
            StoreScripts.setBlock, keys: keys, [],
            [.text(blocked ? "true" : "false"), .text(keeps), .bytes(text), .text(now.description)]
        ) { reply throws(RedisError) in
            BlockState(stored: try reply.bytes())
        }
    }
}

extension BlockState {
    /// Reads the flag as this scheduler or the Python service wrote it; what is no flag at all blocks nothing.
    init(stored: ByteBuffer?) {
        guard let stored, let text = try? JSONText(stored, nestingMax: Limits.parametersNestingMax),
            let flag = text["blocked"]
        else {
            self.init(blocked: false, reason: nil, updatedAt: nil)
            return
        }
        self.init(
            blocked: flag.value.kind == .true, reason: text.stringMember("reason"),
            updatedAt: text.stringMember("updated_at").flatMap { Timestamp(text: $0) })
    }
}
