import DMSModel
import NIOCore
import RedisLink

/// `list.lua`: a part of a page of tasks in the order of their `enqueued_at`.
struct ListScript {
    /// What one call reads at most.
    struct Bounds {
        var tasks: Int
        /// Tasks that are looked at, whether they fit the filters or not.
        var looks: Int
        /// Bytes of records, unless the first that is looked at has more.
        var bytes: Int
        /// Bytes of records that the page has room for.
        var pageBytes: Int
    }

    /// A part of a page, or why there is none.
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
        /// How many tasks were looked at.
        var looked: Int
        /// Bytes of their records.
        var bytes: Int
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.order + keys.queuesPositionsAndMarks)
        recordPrefix = keys.recordPrefix
    }

    func call(
        _ query: TaskQuery, after position: ListPosition?, _ bounds: Bounds, on connection: RedisConnection
    ) -> EventLoopFuture<Outcome> {
        connection.evaluate(
            StoreScripts.list, keys: keys, [],
            [
                .text(recordPrefix), .integer(bounds.tasks), .integer(bounds.looks), .integer(bounds.bytes),
                .text(query.newestFirst ? "1" : "0"),
                .text(position.map { "\($0.score)" } ?? ""), .bytes(position?.id ?? ByteBuffer()),
                .text(ListScript.set(Set(query.statuses).map(\.rawValue))),
                .text(ListScript.set(query.priorities.map(\.rawValue))), .text(query.service), .text(query.userID),
                .integer(bounds.pageBytes), .integer(Limits.handOutBytesMax),
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
        let looked = try reply.counted(at: 6)
        // Where nothing was looked at the page is full, and goes on where it went on before.
        if more == 1, looked > 0 {
            let score = try reply.element(3) { score throws(RedisError) in try score.text() }
            guard let score = Double(score) else { throw .unexpectedReply("list.lua answered without a score") }
            next = ListPosition(score: score, id: try reply.bytes(at: 4))
        }
        return .page(
            Page(
                records: records, next: next, missing: try reply.integer(at: 1), leftOut: try reply.integer(at: 2),
                unreadable: texts.count - records.count, looked: looked, bytes: try reply.counted(at: 7)))
    }
}
