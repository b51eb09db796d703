import DMSModel
import NIOCore
import RedisLink

/// `finish.lua`: a task is completed or failed, with what came of it.
struct FinishScript {
    /// What became of it.
    enum Outcome {
        /// The task is finished so, now or already; its record's text.
        case done(ByteBuffer)
        case unknown
        case lost
        case canceled
    }

    private let keys: RedisKeys
    private let recordPrefix: String
    private let answerPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys([keys.stats, keys.leases])
        recordPrefix = keys.recordPrefix
        answerPrefix = keys.answerPrefix
    }

    func call(_ finish: TaskFinish, at now: Timestamp, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let id = finish.lease.taskID.text
        let status: TaskStatus = finish.succeeded ? .completed : .failed
        return connection.evaluate(
            StoreScripts.finish, keys: keys, [recordPrefix + id],
            [
                .text(id), .text(finish.lease.token), .text(now.description), .text(status.rawValue),
                .bytes(FinishScript.fields(finish)), .text(answerPrefix),
            ]
        ) { reply throws(RedisError) in
            switch try reply.integer(at: 0) {
            case 0, 1: return .done(try reply.bytes(at: 1))
            case -1: return .unknown
            case -2: return .lost
            case -3: return .canceled
            case let other: throw .unexpectedReply("finish.lua answered \(other)")
            }
        }
    }

    /// The fields that say what came of it, the result first.
    ///
    /// A result is kept as a string that holds its JSON text: as JSON, it could hold a copy of a record's tail, which
    /// would stand behind the record's own.
    private static func fields(_ finish: TaskFinish) -> ByteBuffer {
        var fields = ByteBuffer()
        if finish.result.readableBytes > 0 {
            fields.writeStaticString(",\"result\":")
            JSONString.write(String(buffer: finish.result), into: &fields)
        }
        if !finish.error.isEmpty {
            fields.writeStaticString(",\"error\":")
            JSONString.write(finish.error, into: &fields)
        }
        return fields
    }
}
