import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport

extension Harness {
    /// The next tasks under a lease; long unless the test wants it to end.
    func lease(
        _ count: UInt32 = 1, milliseconds: UInt32 = 60_000, submitter: String = "w", request: String = ""
    ) async throws -> [LeasedTask] {
        try await next(
            NextRequest(
                maxTasks: count, leaseMilliseconds: milliseconds, submitterID: submitter, requestID: request)
        ).leasedTasks
    }

    /// The next task under a lease.
    func leaseOne(milliseconds: UInt32 = 60_000) async throws -> LeasedTask {
        guard let task = try await lease(milliseconds: milliseconds).first else { throw TestFailure("no task") }
        return task
    }

    /// To how many calls an answer that is kept may have come.
    func givings(_ key: String) async throws -> Int? {
        let script =
            "local n = 0 for _ in pairs(cmsgpack.unpack(redis.call('GET', KEYS[1])).given) do n = n + 1 end return n"
        return try await redis.call("EVAL", script, "1", key).integer
    }

    func ack(_ leases: LeaseReference...) async throws -> [LeaseOutcome] {
        try await pool.call { $0.ack(leases, caller: Caller()) }
    }

    func renew(_ leases: LeaseReference..., milliseconds: UInt32 = 0) async throws -> [LeaseOutcome] {
        try await pool.call {
            $0.renew(LeaseRenewal(leases: leases, leaseMilliseconds: milliseconds), caller: Caller())
        }
    }

    @discardableResult
    func giveBack(_ lease: LeaseReference) async throws -> TaskRecord {
        try await pool.call { $0.return(TaskReturn(lease: lease, reason: "test"), caller: Caller()) }
    }

    @discardableResult
    func finish(
        _ lease: LeaseReference, result: String = "", error: String? = nil
    ) async throws -> TaskRecord {
        let finish = TaskFinish(
            lease: lease, succeeded: error == nil, result: ByteBuffer(string: result), error: error ?? "")
        return try await pool.call { $0.finish(finish, caller: Caller()) }
    }

    /// Lets the ends of all leases pass, without waiting for them.
    func endAllLeases(_ key: String = "dms:leases") async throws {
        // All at once, far into the past, and in the same order.
        try await redis.call("ZUNIONSTORE", key, "1", key, "WEIGHTS", "0.5")
    }

    /// Counters, lists, index of positions, leases and records say the same.
    func expectAgreement() async throws {
        let statistics = try await statistics()
        var queued = 0
        for priority in ["high", "mid", "low"] {
            let ids = try await redis.lines("LRANGE", "dms:queue:\(priority)", "0", "-1")
            let positions = try await redis.lines("ZRANGE", "dms:positions:\(priority)", "0", "-1")
            guard ids == positions else { throw TestFailure("\(priority): \(ids) is not \(positions)") }
            for id in ids {
                let record = try await get(id).record
                guard record.status == .queued, record.priority.rawValue == priority else {
                    throw TestFailure("\(id) is queued and \(record.status)")
                }
            }
            queued += ids.count
        }
        for id in try await redis.lines("ZRANGE", "dms:leases", "0", "-1") {
            let status = try await get(id).record.status
            guard status == .dispatched else { throw TestFailure("\(id) has a lease and is \(status)") }
        }
        guard Int(statistics.overview.total) == queued else { throw TestFailure("the overview counts other tasks") }
    }
}

extension LeasedTask {
    var reference: LeaseReference { LeaseReference(taskID: record.taskID, token: leaseToken) }
    var id: String { record.taskID.text }
}

extension TestRedis {
    /// The answer to a command that answers with a list of texts.
    func lines(_ words: String...) async throws -> [String] {
        try await call(words).array?.compactMap(\.string) ?? []
    }
}
