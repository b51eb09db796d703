import DMSModel
import NIOCore
import RedisLink

/// `hand_out.lua`: takes the next tasks off the queues, for several callers in one call.
struct HandOutScript {
    /// Somebody who wants tasks.
    struct Caller: Sendable {
        /// How many tasks; 0 asks only for an answer that was kept.
        var wanted: Int
        /// The lease that the tasks come under; nil: none.
        var lease: LeaseTerms?
        /// Who it is; empty where it gives no name.
        var submitterID: String
        /// Where its answer is kept, to be repeated; nil: it is not.
        var kept: KeptAnswer?

        /// Whether the script is told of both at once: they differ in nothing but their tokens and their answers' names.
        fileprivate func isLike(_ other: Caller) -> Bool {
            wanted == other.wanted && lease?.milliseconds == other.lease?.milliseconds
                && submitterID == other.submitterID && (kept == nil) == (other.kept == nil)
        }
    }

    /// What was handed out.
    struct Outcome {
        /// For each caller, in order, what it gets.
        var answers: [HandOut]
        /// Whether the call stopped at a bound, so that a caller without a task may find one by asking again.
        var stoppedEarly: Bool
        /// How many ids were dropped from the lists because no queued task stands behind them.
        var skipped: Int
        /// A few of these.
        var skippedIDs: [String]
        /// How many ids were set aside because their records can't be read or are too large.
        var setAside: Int
        /// A few of these.
        var setAsideIDs: [String]
        /// Ids of tasks that were handed out and whose records are none after all: they are to be set aside.
        var unreadable: [String] = []
        /// Whether replicas had to confirm this and did not.
        fileprivate(set) var isUnconfirmed = false
    }

    private static let wordsPerRun = 5

    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys(
            keys.queuesAndPositions + [keys.stats, keys.leases] + keys.marksInOrder + [keys.setAside])
        recordPrefix = keys.recordPrefix
    }

    func call(_ callers: [Caller], at now: Timestamp, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let kept = callers.compactMap(\.kept)
        let runs = HandOutScript.runs(of: callers)
        let leased = callers.count { $0.lease != nil }
        return connection.evaluate(
            StoreScripts.handOut, keys: keys, callKeys: kept.count,
            arguments: 4 + HandOutScript.wordsPerRun * runs.count + leased + 2 * kept.count
        ) { words in
            for answer in kept { words.append(answer.key) }
            words.append(recordPrefix)
            words.append(now.description)
            words.append(.integer(Limits.handOutBytesMax))
            words.append(.integer(Limits.answerKeptMilliseconds))
            for run in runs {
                guard let caller = run.first else { continue }
                words.append(run.count)
                words.append(caller.wanted)
                words.append(Int(caller.lease?.milliseconds ?? 0))
                words.append(HandOutScript.laterFields(submitterID: caller.submitterID))
                words.append(caller.kept == nil ? 0 : 1)
                for caller in run {
                    if let lease = caller.lease { words.append(lease.secret) }
                }
                for caller in run {
                    guard let kept = caller.kept else { continue }
                    words.append(kept.call)
                    words.append(kept.recordField)
                }
            }
        } decode: { reply throws(RedisError) in
            try HandOutScript.decode(reply)
        } unconfirmed: { outcome, _ in
            var outcome = outcome
            outcome.isUnconfirmed = true
            // Who got nothing was told the truth.
            for index in outcome.answers.indices where !outcome.answers[index].tasks.isEmpty {
                outcome.answers[index].isUnconfirmed = true
            }
            return outcome
        }
    }

    /// The callers in their order, those that are alike and follow each other together.
    private static func runs(of callers: [Caller]) -> [ArraySlice<Caller>] {
        var runs: [ArraySlice<Caller>] = []
        var rest = callers[...]
        while let first = rest.first {
            let run = rest.prefix { $0.isLike(first) }
            runs.append(run)
            rest = rest.dropFirst(run.count)
        }
        return runs
    }

    /// The text that goes behind a handed out record's lease.
    private static func laterFields(submitterID: String) -> ByteBuffer {
        guard !submitterID.isEmpty else { return ByteBuffer() }
        var text = ByteBuffer(string: ",\"submitter_id\":")
        JSONString.write(submitterID, into: &text)
        return text
    }

    static func decode(_ reply: borrowing RedisReply) throws(RedisError) -> Outcome {
        let counts = try reply.element(3) { counts throws(RedisError) in
            try counts.map { count throws(RedisError) in try count.counted() }
        }
        let records = try reply.element(4) { records throws(RedisError) in try records.slices() }
        guard counts.reduce(0, +) == records.count else {
            throw .unexpectedReply("hand_out.lua counted other than it handed out")
        }
        let clock = Timestamp(
            microseconds: Int64(try reply.element(5) { clock throws(RedisError) in try clock.decimal() }))
        let repeated = try reply.element(6) { repeated throws(RedisError) in
            try repeated.map { value throws(RedisError) in try value.decimal() }
        }
        var placesBefore = Int64(try reply.element(9) { place throws(RedisError) in try place.decimal() })
        let ownPlaces =
            reply.count < 11
            ? []
            : try reply.element(10) { places throws(RedisError) in
                try places.map { value throws(RedisError) in try value.decimal() }
            }
        var outcome = Outcome(
            answers: [], stoppedEarly: try reply.integer(at: 0) == 1,
            skipped: try reply.counted(at: 1), skippedIDs: try HandOutScript.ids(reply, 2),
            setAside: try reply.counted(at: 7), setAsideIDs: try HandOutScript.ids(reply, 8))
        outcome.answers.reserveCapacity(counts.count)
        var rest = records[...]
        for (index, count) in counts.enumerated() {
            var answer = HandOut()
            var start = clock
            if let place = repeated.firstIndex(of: index + 1), place.isMultiple(of: 2), place + 1 < repeated.count {
                answer.isRepeated = true
                start = Timestamp(microseconds: Int64(repeated[place + 1]))
            } else {
                answer.placesBefore = placesBefore
                placesBefore += Int64(count)
            }
            answer.tasks = rest.prefix(count).compactMap { text in
                let task = LeasedTask(json: text, leasedAt: start)
                if task == nil, !answer.isRepeated, let id = HandOutScript.frontID(of: text) {
                    outcome.unreadable.append(id)
                }
                return task
            }
            if answer.tasks.count < count {
                answer.numbers = rest.prefix(count).enumerated()
                    .filter { LeasedTask(json: $0.element, leasedAt: start) != nil }.map(\.offset)
            }
            outcome.answers.append(answer)
            rest = rest.dropFirst(count)
        }
        // A record in our form is taken at its word by the script, and not by us: whoever got nothing for it asks again.
        if !outcome.unreadable.isEmpty { outcome.stoppedEarly = true }
        for index in stride(from: 0, to: ownPlaces.count - 2, by: 3)
        where (1...outcome.answers.count).contains(ownPlaces[index]) {
            outcome.answers[ownPlaces[index] - 1].ownPlaces[ownPlaces[index + 1] - 1] = Int64(ownPlaces[index + 2])
        }
        return outcome
    }

    /// The id that a text begins with which the script took for a record of ours.
    private static func frontID(of text: ByteBuffer) -> String? {
        let start = "{\"task_id\":"
        let bytes = text.readableBytesView.dropFirst(start.utf8.count)
        var end = bytes.startIndex
        var isEscaped = false
        for index in bytes.indices.dropFirst() {
            end = index
            if !isEscaped, bytes[index] == UInt8(ascii: "\"") { break }
            isEscaped = !isEscaped && bytes[index] == UInt8(ascii: "\\")
        }
        guard end > bytes.startIndex else { return nil }
        let name = ByteBuffer(bytes: bytes[...end])
        guard let json = try? JSONText(name, nestingMax: 1), json.root.kind == .string else { return nil }
        return json.string(json.root)
    }

    private static func ids(_ reply: borrowing RedisReply, _ index: Int) throws(RedisError) -> [String] {
        try reply.element(index) { ids throws(RedisError) in try ids.map { id throws(RedisError) in try id.text() } }
    }
}

/// What one caller gets.
struct HandOut: Sendable {
    var tasks: [LeasedTask] = []
    /// Whether the answer was given before and is given again.
    var isRepeated = false
    /// Whether replicas had to confirm it and did not: nobody may get it, for a failover may undo it.
    var isUnconfirmed = false
    /// The place in the queues that comes before that of its first task; nil where Redis alone knows that.
    fileprivate(set) var placesBefore: Int64?
    /// The places of tasks that had one already, having come back before.
    fileprivate(set) var ownPlaces: [Int: Int64] = [:]
    /// Where the script counted each task, where one between them was left out because its record cannot be read.
    fileprivate var numbers: [Int]?

    /// Whether a task between them was left out.
    var lacksTasks: Bool { numbers != nil && !isRepeated }

    /// Where a task goes should it come back, compared with all that were ever taken; nil where Redis alone knows that.
    func place(ofTask index: Int) -> Int64? {
        let number = numbers?[index] ?? index
        return ownPlaces[number] ?? placesBefore.map { $0 + Int64(number) + 1 }
    }
}

/// Where the answer to a call is kept.
struct KeptAnswer: Sendable, Equatable {
    /// The key in Redis, the same for all calls with one name.
    var key: String
    /// Tells this call from others that get the same answer: 64 random bits.
    var call: String
    /// The field by which the tasks' records name the request.
    var recordField: ByteBuffer

    init(key: String, requestID: String) {
        self.key = key
        call = LeaseTerms.randomText(words: 1)
        recordField = ByteBuffer(string: ",\"request_id\":")
        JSONString.write(requestID, into: &recordField)
    }
}

/// The lease that tasks are handed out under.
struct LeaseTerms: Sendable, Equatable {
    /// What the tasks' tokens are made of: 128 random bits that nobody guesses.
    var secret: String
    var milliseconds: UInt32

    /// A lease of that length, with a new secret.
    init(milliseconds: UInt32) {
        self.milliseconds = milliseconds
        secret = LeaseTerms.randomText(words: 2)
    }

    /// 64 random bits for each word, as 11 letters.
    fileprivate static func randomText(words: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<words).reduce(into: "") { text, _ in text += LeaseTerms.text(generator.next()) }
    }

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// 64 bits as 11 letters, the highest four first: one of A to P, so that no text is taken for an option where it is an
    /// argument on somebody's command line.
    static func text(_ bits: UInt64) -> String {
        String(decoding: (0..<11).map { letters[Int(bits >> UInt64(60 - 6 * $0) & 63)] }, as: UTF8.self)
    }
}
