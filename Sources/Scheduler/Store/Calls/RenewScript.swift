import DMSModel
import NIOCore
import RedisLink

/// `renew.lua`: sets the ends of leases anew.
struct RenewScript {
    private let keys: RedisKeys
    private let recordPrefix: String

    init(keys: StoreKeys) {
        self.keys = RedisKeys([keys.leases])
        recordPrefix = keys.recordPrefix
    }

    /// One outcome for each lease, in order.
    func call(_ renewal: LeaseRenewal, on connection: RedisConnection) -> EventLoopFuture<[LeaseOutcome]> {
        let leases = renewal.leases
        return connection.evaluate(
            StoreScripts.renew, keys: keys, callKeys: leases.count, arguments: 1 + 2 * leases.count
        ) { words in
            for lease in leases { words.append(recordPrefix + lease.taskID.text) }
            words.append(.integer(Int(renewal.leaseMilliseconds)))
            for lease in leases {
                words.append(lease.taskID.text)
                words.append(lease.token)
            }
        } decode: { reply throws(RedisError) in
            var outcomes: [LeaseOutcome] = []
            outcomes.reserveCapacity(leases.count)
            for (index, lease) in leases.enumerated() {
                let answer = try LeaseAnswer(answer: reply.integer(at: 2 * index))
                let end = try reply.element(2 * index + 1) { end throws(RedisError) in try end.text() }
                outcomes.append(
                    answer.outcome(
                        for: lease.taskID, expiresAt: Int64(end).map { Timestamp(microseconds: $0) }))
            }
            return outcomes
        }
    }
}
