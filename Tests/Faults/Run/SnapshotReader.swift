import DMSModel
import FaultLedger
import NIOCore
import RedisLink
import TestSupport

/// Reads all that Redis holds in one step.
enum SnapshotReader {
    private static let script = """
        local answer = {}
        for _, queue in ipairs({'high', 'mid', 'low'}) do
            answer[#answer + 1] = redis.call('LRANGE', 'dms:queue:' .. queue, 0, -1)
            answer[#answer + 1] = redis.call('ZRANGE', 'dms:positions:' .. queue, 0, -1)
            answer[#answer + 1] = redis.call('ZRANGE', 'dms:marks:' .. queue, 0, -1)
        end
        answer[#answer + 1] = redis.call('SMEMBERS', 'dms:task:index')
        answer[#answer + 1] = redis.call('ZRANGE', 'dms:enqueued', 0, -1, 'WITHSCORES')
        answer[#answer + 1] = redis.call('SMEMBERS', 'dms:enqueued:left-out')
        answer[#answer + 1] = redis.call('ZRANGE', 'dms:leases', 0, -1)
        answer[#answer + 1] = redis.call('HMGET', 'dms:stats', 'queued', 'dispatched', 'canceled', 'completed', 'failed',
            'requeued')
        local records = {}
        for _, key in ipairs(redis.call('KEYS', 'dms:task:*')) do
            if key ~= 'dms:task:index' then
                records[#records + 1] = string.sub(key, 10)
                records[#records + 1] = redis.call('GET', key)
            end
        end
        answer[#answer + 1] = records
        answer[#answer + 1] = redis.call('SMEMBERS', 'dms:set-aside')
        return answer
        """

    /// What Redis holds now.
    static func read(_ redis: TestRedis) async throws -> StoreSnapshot {
        let answer = try await redis.call("EVAL", script, "0").array ?? []
        guard answer.count == 16 else { throw TestFailure("a snapshot has \(answer.count) parts") }
        func texts(_ place: Int) -> [String] { (answer[place].array ?? []).map { $0.string ?? "" } }
        var snapshot = StoreSnapshot()
        for (place, priority) in [Priority.high, .mid, .low].enumerated() {
            snapshot.queues[priority] = texts(3 * place)
            snapshot.positions[priority] = texts(3 * place + 1)
            snapshot.marks[priority] = Set(texts(3 * place + 2))
        }
        snapshot.index = Set(texts(9))
        let enqueued = texts(10)
        for index in stride(from: 0, to: enqueued.count - 1, by: 2) {
            snapshot.enqueued[enqueued[index]] = Int64(Double(enqueued[index + 1]) ?? 0)
        }
        snapshot.leftOut = Set(texts(11))
        snapshot.leased = Set(texts(12))
        snapshot.setAside = Set(texts(15))
        let counters = (answer[13].array ?? []).map { $0.integer ?? 0 }
        snapshot.counters = Counters(
            queued: counters[0], dispatched: counters[1], canceled: counters[2], completed: counters[3],
            failed: counters[4], requeued: counters[5])
        let records = answer[14].array ?? []
        for index in stride(from: 0, to: records.count - 1, by: 2) {
            guard let id = records[index].string, case .bytes(let text) = records[index + 1] else { continue }
            guard let record = StoredRecord(json: text) else { throw TestFailure("the record of \(id) can't be read") }
            snapshot.records[id] = record
        }
        return snapshot
    }

    /// How many tasks are queued now.
    static func queued(_ redis: TestRedis) async throws -> Int {
        var queued = 0
        for queue in ["high", "mid", "low"] {
            queued += try await redis.call("LLEN", "dms:queue:\(queue)").integer ?? 0
        }
        return queued
    }
}
