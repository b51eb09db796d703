import DMSModel
import NIOCore
import RedisLink

/// `enqueue.lua`: persists new tasks and appends each to its queue.
struct EnqueueScript {
    /// What became of a submission.
    enum Outcome: Equatable {
        case enqueued
        /// An admin has blocked submissions, and may have said why.
        case blocked(reason: String?)
        case notAllowed
        case exists
        case full
    }

    /// A task that is to be persisted.
    ///
    /// A class, since it is handed from queue to batch to call: a record's fields would be counted at each step.
    final class Submission {
        let record: TaskRecord
        /// Whether the caller may use the task's priority.
        let isAllowed: Bool

        init(record: TaskRecord, isAllowed: Bool) {
            self.record = record
            self.isAllowed = isAllowed
        }
    }

    private static let wordsPerTask = 5

    private let keys: RedisKeys
    private let recordPrefix: String
    private let wakeChannel: String
    private let queuedMax: Int

    /// `queuedMax` is how many tasks may be queued; 0: any number.
    init(keys: StoreKeys, queuedMax: Int) {
        // What need not be counted costs nothing.
        self.keys = RedisKeys(
            keys.queuesAndPositions + [keys.stats, keys.index, keys.block, keys.sequence, keys.enqueued]
                + (queuedMax > 0 ? keys.marksInOrder : []))
        self.queuedMax = queuedMax
        recordPrefix = keys.recordPrefix
        wakeChannel = keys.wakeChannel
    }

    /// One outcome for each submission, in order.
    func call(
        _ submissions: [Submission], wakesOthers: Bool, on connection: RedisConnection
    ) -> EventLoopFuture<[Outcome]> {
        connection.evaluate(
            StoreScripts.enqueue, keys: keys, callKeys: submissions.count,
            arguments: 3 + EnqueueScript.wordsPerTask * submissions.count
        ) { words in
            for submission in submissions { words.append(recordPrefix + submission.record.taskID.text) }
            words.append(submissions.last?.record.updatedAt.description ?? "")
            words.append(wakesOthers ? wakeChannel : "")
            words.append(queuedMax)
            var text = ByteBuffer()
            for submission in submissions {
                let record = submission.record
                text.clear()
                text.reserveCapacity(record.parameters.readableBytes + 512)
                record.writeJSON(into: &text)
                words.append(record.taskID.text)
                words.append(text)
                words.append(1 + (Priority.handOutOrder.firstIndex(of: record.priority) ?? 0))
                words.append(Int(record.enqueuedAt.microseconds))
                words.append(submission.isAllowed ? 1 : 0)
            }
        } decode: { reply throws(RedisError) in
            try EnqueueScript.outcomes(reply, of: submissions.count)
        }
    }

    private static func outcomes(_ reply: borrowing RedisReply, of count: Int) throws(RedisError) -> [Outcome] {
        let block = try reply.element(0) { first throws(RedisError) in
            first.kind == .string ? BlockState(stored: try first.bytes()) : nil
        }
        if let block { return Array(repeating: .blocked(reason: block.reason), count: count) }
        let outcomes = try reply.map { outcome throws(RedisError) -> Outcome in
            switch try outcome.integer() {
            case 1: .enqueued
            case -2: .notAllowed
            case -3: .exists
            case -4: .full
            case let other: throw .unexpectedReply("enqueue.lua answered \(other)")
            }
        }
        guard outcomes.count == count else {
            throw .unexpectedReply("enqueue.lua answered other than it was asked")
        }
        return outcomes
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
