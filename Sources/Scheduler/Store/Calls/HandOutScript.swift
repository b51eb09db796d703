import DMSModel
import NIOCore
import RedisLink

/// `hand_out.lua`: takes the next tasks off the queues, for several callers in one call.
struct HandOutScript {
    /// Somebody who wants tasks.
    struct Caller {
        var wanted: Int
        var submitterID: String
    }

    /// What was handed out.
    struct Outcome {
        /// For each caller, in order, its tasks.
        var tasks: [[TaskRecord]]
        /// Whether the call stopped at a bound, so that a caller without a task may find one by asking again.
        var stoppedEarly: Bool
        /// How many ids were dropped from the lists because nothing that can be handed out stands behind them.
        var skipped: Int
        /// A few of these.
        var skippedIDs: [String]
    }

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(keys.queuesAndPositions + [keys.stats])
        recordPrefix = keys.recordPrefix
    }

    func call(_ callers: [Caller], at now: Timestamp, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        var arguments: [RedisArgument] = [
            .text(recordPrefix), .text(now.description), .integer(Limits.handOutBytesMax),
        ]
        arguments.reserveCapacity(3 + 2 * callers.count)
        for caller in callers {
            arguments.append(.integer(caller.wanted))
            arguments.append(.bytes(HandOutScript.laterFields(submitterID: caller.submitterID)))
        }
        return connection.evaluate(StoreScripts.handOut, keys: keys, [], arguments) { reply throws(RedisError) in
            try HandOutScript.decode(reply)
        }
    }

    /// The text that goes behind a handed out record's `attempt`.
    private static func laterFields(submitterID: String) -> ByteBuffer {
        guard !submitterID.isEmpty else { return ByteBuffer() }
        var text = ByteBuffer(string: ",\"submitter_id\":")
        JSONString.write(submitterID, into: &text)
        return text
    }

    private static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome {
        let counts = try reply.element(3) { counts throws(RedisError) in
            try counts.map { count throws(RedisError) in try count.integer() }
        }
        let records = try reply.element(4) { records throws(RedisError) in
            try records.map { record throws(RedisError) in try record.bytes() }
        }
        guard counts.reduce(0, +) == records.count else {
            throw .unexpectedReply("hand_out.lua counted other than it handed out")
        }
        var outcome = Outcome(
            tasks: [], stoppedEarly: try reply.integer(at: 0) == 1,
            skipped: try reply.integer(at: 1),
            skippedIDs: try reply.element(2) { ids throws(RedisError) in
                try ids.map { id throws(RedisError) in try id.text() }
            })
        outcome.tasks.reserveCapacity(counts.count)
        var rest = records[...]
        for count in counts {
            outcome.tasks.append(rest.prefix(count).compactMap { TaskRecord(json: $0) })
            rest = rest.dropFirst(count)
        }
        let unreadable = records.count - outcome.tasks.reduce(0) { $0 + $1.count }
        // The scripts look closely, but not as closely as we do: whoever got nothing for it asks again.
        outcome.skipped += unreadable
        if unreadable > 0 { outcome.stoppedEarly = true }
        return outcome
    }
}
