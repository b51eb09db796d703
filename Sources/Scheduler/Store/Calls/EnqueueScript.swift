import DMSModel
import NIOCore
import RedisLink

/// `enqueue.lua`: persists a new task and appends it to its queue.
struct EnqueueScript {
    /// What became of a submission.
    enum Outcome: Int {
        case enqueued = 1
        case blocked = -1
        case notAllowed = -2
        case exists = -3
    }

    private let keys: [Priority: RedisKeys]
    private let recordPrefix: String
    private let wakeChannel: String
    private let enqueued: String

    init(keys: StoreKeys) {
        enqueued = keys.enqueued
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
        self.keys = Dictionary(
            uniqueKeysWithValues: Priority.allCases.map { priority in
                let fixed = [
                    keys.queue(priority), keys.positions(priority), keys.index, keys.stats, keys.block, keys.sequence,
                ]
                return (priority, RedisKeys(fixed))
            })
    }

    func call(_ record: TaskRecord, allowed: Bool, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        var text = ByteBuffer()
        text.reserveCapacity(record.parameters.readableBytes + 512)
        record.writeJSON(into: &text)
        return connection.evaluate(
            StoreScripts.enqueue, keys: keys[record.priority] ?? RedisKeys([]),
            [recordPrefix + record.taskID.text, enqueued],
            [
                .text(record.taskID.text), .bytes(text), .text(record.updatedAt.description),
                .text(allowed ? "1" : "0"), .text(wakeChannel), .integer(Int(record.enqueuedAt.microseconds)),
            ]
        ) { reply throws(RedisError) in
            try Outcome(answer: reply.integer())
        }
    }
}

extension RawRepresentable where RawValue == Int {
    /// The outcome that a script's number stands for; throws where it stands for none.
    init(answer: Int) throws(RedisError) {
        guard let outcome = Self(rawValue: answer) else {
            throw .unexpectedReply("a script answered \(answer), which means nothing")
        }
        self = outcome
    }
}
