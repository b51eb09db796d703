import DMSModel
import NIOCore
import RedisLink

/// `ack.lua`: takes the ends off leases, so that the tasks are their holders' for good.
struct AckScript {
    private let keys: RedisKeys
    private let recordPrefix: String
    private let answerPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys([keys.leases])
        recordPrefix = keys.recordPrefix
        answerPrefix = keys.answerPrefix
    }

    /// One outcome for each lease, in order.
    func call(_ leases: [LeaseReference], on connection: RedisConnection) -> EventLoopFuture<[LeaseOutcome]> {
        connection.evaluate(
            StoreScripts.ack, keys: keys, callKeys: leases.count, arguments: 1 + 2 * leases.count
        ) { words in
            for lease in leases { words.append(recordPrefix + lease.taskID.text) }
            words.append(answerPrefix)
            for lease in leases {
                words.append(lease.taskID.text)
                words.append(lease.token)
            }
        } decode: { reply throws(RedisError) in
            let answers = try reply.map { answer throws(RedisError) in
                try LeaseAnswer(answer: answer.integer())
            }
            guard answers.count == leases.count else {
                throw .unexpectedReply("ack.lua answered other than it was asked")
            }
            return zip(leases, answers).map { $1.outcome(for: $0.taskID) }
        }
    }
}

/// What a script says of one lease.
enum LeaseAnswer: Int {
    case done = 1
    case canceled = 2
    case unknown = -1
    case lost = -2

    func outcome(for id: TaskID, expiresAt: Timestamp? = nil) -> LeaseOutcome {
        switch self {
        case .done: LeaseOutcome(taskID: id, leaseExpiresAt: expiresAt)
        case .canceled: LeaseOutcome(taskID: id, isCanceled: true)
        // The outcome carries the id: a thousand of them have to fit a frame.
        case .unknown: LeaseOutcome(taskID: id, error: SchedulerError(.taskNotFound, "There is no such task"))
        case .lost: LeaseOutcome(taskID: id, error: .leaseLost)
        }
    }
}

extension SchedulerError {
    static let leaseLost = SchedulerError(.leaseLost, "The lease token is not, or no longer, the task's")
}
