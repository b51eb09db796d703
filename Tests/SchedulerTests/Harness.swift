import DMSModel
import Logging
import NIOCore
import NIOPosix
import RedisLink
import Scheduler
import TestSupport

/// A scheduler's service layer on a redis-server of its own.
struct Harness {
    static let operatorToken = "correct horse"
    static let asOperator = Caller(operatorToken: operatorToken)

    let redis: TestRedis
    let pool: SchedulerPool

    /// Runs the body with a running pool, and ends everything behind it.
    static func with(
        redis arguments: [String] = [], log: LogRecorder = LogRecorder(),
        prepare: (TestRedis) async throws -> Void = { _ in },
        configure: (inout SchedulerConfiguration) -> Void = { _ in },
        _ body: (Harness) async throws -> Void
    ) async throws {
        try await TestRedis.with(arguments: arguments) { redis in
            try await prepare(redis)
            try await with(redis, log: log, configure: configure) { try await body(Harness(redis: redis, pool: $0)) }
        }
    }

    /// Runs the body with a pool on a redis-server that is there already.
    static func with(
        _ redis: TestRedis, log: LogRecorder = LogRecorder(),
        configure: (inout SchedulerConfiguration) -> Void = { _ in },
        _ body: (SchedulerPool) async throws -> Void
    ) async throws {
        var configuration = SchedulerConfiguration(writer: redis.url, tokens: Tokens(operators: [operatorToken]))
        configure(&configuration)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let pool = SchedulerPool(
            configuration: configuration, group: group, logger: Logger(label: "test") { _ in log.handler })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await pool.run() }
            try await pool.ready(within: .seconds(10))
            do {
                try await body(pool)
                pool.shutdown()
            } catch {
                pool.shutdown()
                throw error
            }
            try await tasks.waitForAll()
        }
        try await group.shutdownGracefully()
    }

    @discardableResult
    func enqueue(
        _ id: String, _ priority: Priority = .low, parameters: String = "{}", service: String = "copy",
        user: String = "ada", caller: Caller = asOperator
    ) async throws -> TaskRecord {
        let submission = TaskSubmission(
            taskID: TaskID(id), service: service, userID: user, parameters: ByteBuffer(string: parameters),
            priority: priority)
        return try await pool.call { $0.enqueue(submission, caller: caller) }
    }

    func next(_ count: UInt32 = 1, submitter: String = "") async throws -> [TaskRecord] {
        let request = NextRequest(maxTasks: count, submitterID: submitter)
        return try await next(request).tasks
    }

    func next(_ request: NextRequest, caller: Caller = Caller()) async throws -> NextAnswer {
        try await pool.call { $0.next(request, caller: caller).answer }
    }

    /// The ids of the next tasks.
    func nextIDs(_ count: UInt32 = 1) async throws -> [String] { try await next(count).map(\.taskID.text) }

    func get(_ id: String) async throws -> TaskSummary { try await pool.call { $0.get(TaskID(id)) } }

    func cancel(
        _ id: String, service: String = "copy", user: String = "ada", caller: Caller = Caller()
    ) async throws -> TaskRecord {
        let cancellation = TaskCancellation(taskID: TaskID(id), service: service, userID: user)
        return try await pool.call { $0.cancel(cancellation, caller: caller) }
    }

    func setPriority(
        _ id: String, _ priority: Priority, caller: Caller = asOperator
    ) async throws -> TaskRecord {
        try await pool.call { $0.setPriority(of: TaskID(id), to: priority, caller: caller) }
    }

    func statistics() async throws -> Statistics { try await pool.call { $0.statistics() } }

    /// Ends a pause of Redis, and waits until it answers on each event loop again: a call may go to any of them.
    func resumeRedis() async throws {
        redis.resume()
        try await eventually { (try? await pool.checkStore()) != nil }
    }

    /// The text that Redis answers with; nil for none.
    func text(_ words: String...) async throws -> String? { try await redis.call(words).string }

    /// The list that Redis answers with.
    func list(_ words: String...) async throws -> [String] {
        guard case .array(let values) = try await redis.call(words) else { return [] }
        return values.compactMap(\.string)
    }

    /// Everything that Redis holds: each key and a digest of its value.
    ///
    /// Waits until the order of lists is built, which is nobody's call.
    func contents() async throws -> [String] {
        try await eventually { try await redis.call("EXISTS", "dms:enqueued:built").integer == 1 }
        let script =
            "local a = {} for _, key in ipairs(redis.call('KEYS', '*')) do "
            + "a[#a + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) end table.sort(a) return a"
        return try await list("EVAL", script, "0")
    }

    /// Puts something under a key that no script expects there, for as long as the body runs.
    func breaking(_ key: String, _ body: () async throws -> Void) async throws {
        let was = try await redis.call("EXISTS", key).integer == 1
        if was { try await redis.call("RENAME", key, "kept") }
        try await redis.call("SET", key, "not yours")
        try await body()
        try await redis.call("DEL", key)
        if was { try await redis.call("RENAME", "kept", key) }
    }

    /// The reason that the body fails with; nil where it does not.
    static func refusal(_ body: () async throws -> Void) async throws -> SchedulerError.Reason? {
        try await failure(body)?.reason
    }

    /// The error that the body fails with; nil where it does not.
    static func failure(_ body: () async throws -> Void) async throws -> SchedulerError? {
        do {
            try await body()
            return nil
        } catch let error as SchedulerError {
            return error
        }
    }
}

extension TestRedis {
    /// Makes it a replica that waits for its master and may be written to: a reader that lags behind.
    func lagBehind() async throws {
        try await call("REPLICAOF", "127.0.0.1", "1")
        try await call("CONFIG", "SET", "replica-read-only", "no")
    }
}
