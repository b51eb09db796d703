import DMSModel
import NIOCore
import RedisLink

/// `list.lua`: a page of tasks in the order of their `enqueued_at`.
struct ListScript {
    /// A page, or why there is none.
    enum Outcome {
        /// The order does not hold yet what was in Redis before it.
        case notBuilt
        case page(Page)
    }

    /// What was read.
    struct Page {
        var records: [TaskRecord]
        /// The last task that was looked at, if there may be more behind it.
        var next: ListPosition?
        /// How many known ids the order lacks; negative where it holds more than there are.
        var missing: Int
        /// How many known ids the order leaves out, because they have no record that can be read.
        var leftOut: Int
        /// How many records were dropped because they cannot be read.
        var unreadable: Int
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.order)
        recordPrefix = keys.recordPrefix
    }

    func call(
        _ query: TaskQuery, after position: ListPosition?, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        let pageSize = query.pageSize == 0 ? Limits.listTasksDefault : Int(query.pageSize)
        return connection.evaluate(
            StoreScripts.list, keys: keys, [],
            [
                .text(recordPrefix), .integer(min(pageSize, Limits.listTasksMax)), .integer(Limits.listExaminedMax),
                .integer(Limits.handOutBytesMax), .text(query.newestFirst ? "1" : "0"),
                .text(position.map { "\($0.score)" } ?? ""), .bytes(position?.id ?? ByteBuffer()),
                .text(ListScript.set(query.statuses.map(\.rawValue))),
                .text(ListScript.set(query.priorities.map(\.rawValue))), .text(query.service), .text(query.userID),
            ]
        ) { reply throws(RedisError) in try ListScript.decode(reply) }
    }

    /// Names as the script looks them up: `,a,b,`.
    private static func set(_ names: [String]) -> String {
        names.isEmpty ? "" : "," + names.joined(separator: ",") + ","
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome {
        let more = try reply.integer(at: 0)
        if more == -1 { return .notBuilt }
        let texts = try reply.element(5) { records throws(RedisError) in
            try records.map { record throws(RedisError) in try record.bytes() }
        }
        let records = texts.compactMap { TaskRecord(json: $0) }
        var next: ListPosition?
        if more == 1 {
            let score = try reply.element(3) { score throws(RedisError) in try score.text() }
            guard let score = Double(score) else { throw .unexpectedReply("list.lua answered without a score") }
            next = ListPosition(score: score, id: try reply.bytes(at: 4))
        }
        return .page(
            Page(
                records: records, next: next, missing: try reply.integer(at: 1), leftOut: try reply.integer(at: 2),
                unreadable: texts.count - records.count))
    }
}
