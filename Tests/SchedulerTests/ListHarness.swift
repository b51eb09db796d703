import DMSModel
import RedisLink
import Scheduler
import TestSupport

extension Harness {
    func page(_ query: TaskQuery) async throws -> TaskPage { try await pool.call { $0.list(query) } }

    /// Waits until what was in Redis before the scheduler is listed.
    func built() async throws { try await eventually { (try? await page(TaskQuery(pageSize: 1))) != nil } }

    /// The ids of every page of a query, and how many pages there were.
    func pages(_ query: TaskQuery) async throws -> [[String]] {
        var query = query
        var pages: [[String]] = []
        repeat {
            let page = try await page(query)
            pages.append(page.tasks.map(\.taskID.text))
            query.pageToken = page.nextPageToken
        } while !query.pageToken.isEmpty
        return pages
    }

    /// The ids that a query finds, over all its pages.
    func listed(_ query: TaskQuery = TaskQuery()) async throws -> [String] {
        try await pages(query).flatMap(\.self)
    }

    /// The fields that a query is refused for.
    func badFields(_ query: TaskQuery) async throws -> [String] {
        do {
            _ = try await page(query)
            return []
        } catch let error as SchedulerError {
            return error.reason == .invalidField ? error.violations.map(\.field) : ["\(error)"]
        }
    }
}

/// What another program leaves in Redis: records, known ids and no order of them.
enum Foreign {
    static func record(
        _ id: String, at time: String = "2025-11-23T10:11:12", status: String = "completed", parameters: String = "{}"
    ) -> String {
        #"{"task_id":"\#(id)","service":"copy","user_id":"ada","parameters":\#(parameters),"priority":"low","#
            + #""status":"\#(status)","enqueued_at":"\#(time)","updated_at":"\#(time)"}"#
    }

    static func add(
        _ id: String, at time: String = "2025-11-23T10:11:12", parameters: String = "{}", to redis: TestRedis
    ) async throws {
        try await redis.call("SET", "dms:task:\(id)", record(id, at: time, parameters: parameters))
        try await redis.call("SADD", "dms:task:index", id)
    }

    /// Tasks `t-1` and so on that share `perSecond` to a second.
    static func fill(_ redis: TestRedis, count: Int, perSecond: Int) async throws {
        let script = """
            for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
                local id = 't-' .. number
                local second = math.floor((number - 1) / tonumber(ARGV[3]))
                local time = string.format('2025-11-23T%02d:%02d:%02d', math.floor(second / 3600) % 24,
                    math.floor(second / 60) % 60, second % 60)
                redis.call('SET', 'dms:task:' .. id, '{"task_id":"' .. id .. '","service":"copy","user_id":"ada",' ..
                    '"parameters":{},"priority":"low","status":"completed","enqueued_at":"' .. time ..
                    '","updated_at":"' .. time .. '"}')
                redis.call('SADD', 'dms:task:index', id)
            end
            """
        for start in stride(from: 1, through: count, by: 10_000) {
            try await redis.call(
                "EVAL", script, "0", "\(start)", "\(min(start + 9999, count))", "\(perSecond)")
        }
    }
}
