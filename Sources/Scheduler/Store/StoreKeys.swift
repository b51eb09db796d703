import DMSModel

/// Every Redis key of the scheduler; no other file spells one.
///
/// The first five are the contract with other programs. The rest are the scheduler's own, and none of them starts with the
/// prefix of records, because any text may be a task id.
struct StoreKeys: Sendable {
    /// STRING a record; the id follows.
    let recordPrefix: String
    /// LIST task ids; the head is next.
    let queues: [Priority: String]
    /// SET every known task id.
    let index: String
    /// HASH counters since the beginning, and `last_updated`.
    let stats: String
    /// STRING the block flag as JSON.
    let block: String

    /// ZSET the ids of a queue by sequence number: a task's rank is its position.
    let positions: [Priority: String]
    /// ZSET the marks in a queue, which stand where ids were taken out of its middle, by their sequence numbers.
    let marks: [Priority: String]
    /// STRING the last sequence number given.
    let sequence: String
    /// ZSET task ids by the end of their lease, in microseconds of Redis's clock.
    let leases: String
    /// The channel that tells of tasks that can be handed out; a message is their number.
    let wakeChannel: String
    /// STRING an answer to a `Next` that may be repeated; whose it is follows.
    let answerPrefix: String

    /// ZSET every task by the microseconds of its `enqueued_at`: the order of List.
    let enqueued: String
    /// SET known ids that the order leaves out, because they have no record that can be read.
    let enqueuedLeftOut: String
    /// STRING there once the order holds what was in Redis before it.
    let enqueuedBuilt: String
    /// SET ids that were taken off their queues because their records can't be read or are too large.
    let setAside: String

    init(prefix: String) {
        recordPrefix = "\(prefix):task:"
        queues = Dictionary(uniqueKeysWithValues: Priority.allCases.map { ($0, "\(prefix):queue:\($0.rawValue)") })
        index = "\(prefix):task:index"
        stats = "\(prefix):stats"
        block = "\(prefix):block:frontend"
        positions = Dictionary(
            uniqueKeysWithValues: Priority.allCases.map { ($0, "\(prefix):positions:\($0.rawValue)") })
        marks = Dictionary(uniqueKeysWithValues: Priority.allCases.map { ($0, "\(prefix):marks:\($0.rawValue)") })
        sequence = "\(prefix):sequence"
        leases = "\(prefix):leases"
        wakeChannel = "\(prefix):wake"
        answerPrefix = "\(prefix):answer:"
        enqueued = "\(prefix):enqueued"
        enqueuedLeftOut = "\(prefix):enqueued:left-out"
        enqueuedBuilt = "\(prefix):enqueued:built"
        setAside = "\(prefix):set-aside"
    }

    /// The prefix among whose records or kept answers keys under this one could lie; nil: there is none.
    ///
    /// Ids may be any text: `a:task:stats` are the counters under `a:task`, and the record of the task `stats` under `a`.
    static func prefix(inConflictWith prefix: String) -> String? {
        let parts = prefix.split(separator: ":", omittingEmptySubsequences: false)
        return parts.dropFirst().firstIndex { $0 == "task" || $0 == "answer" }
            .map { parts[..<$0].joined(separator: ":") }
    }

    func record(_ id: TaskID) -> String { recordPrefix + id.text }

    func queue(_ priority: Priority) -> String { queues[priority] ?? "" }

    func positions(_ priority: Priority) -> String { positions[priority] ?? "" }

    func marks(_ priority: Priority) -> String { marks[priority] ?? "" }

    /// Where the answer to a request is kept; the length keeps two pairs of names from meeting in one key.
    func answer(submitterID: String, requestID: String) -> String {
        "\(answerPrefix)\(submitterID.utf8.count):\(submitterID):\(requestID)"
    }

    /// The types of keys, as the command TYPE names them.
    enum KeyType: String, Sendable {
        case string, list, set, zset, hash
    }

    /// Every key that is always the same, and what it has to be.
    var types: [(key: String, type: KeyType)] {
        Priority.handOutOrder.flatMap { [(queue($0), .list), (positions($0), .zset), (marks($0), .zset)] } + [
            (index, .set), (stats, .hash), (block, .string), (sequence, .string), (leases, .zset), (enqueued, .zset),
            (enqueuedLeftOut, .set), (enqueuedBuilt, .string), (setAside, .set),
        ]
    }

    /// The order of List, what it leaves out, the ids that it is made from, and the mark that it is complete.
    var order: [String] { [enqueued, enqueuedLeftOut, index, enqueuedBuilt] }

    /// The marks of the three lists.
    var marksInOrder: [String] { Priority.handOutOrder.map(marks) }

    /// The three lists, their indexes and their marks: what the lengths of the queues are told from.
    var queuesPositionsAndMarks: [String] { queuesAndPositions + marksInOrder }

    /// The three lists and their indexes, best priority first: how most scripts begin.
    var queuesAndPositions: [String] {
        Priority.handOutOrder.map(queue) + Priority.handOutOrder.map(positions)
    }
}
