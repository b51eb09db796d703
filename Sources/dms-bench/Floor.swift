import DMSModel
import Logging
import NIOPosix
import RedisLink

/// Redis by itself: the plain hand-out that a program without a scheduler would call.
struct Floor: Sendable {
    private static let script = RedisScript(
        name: "floor",
        source: """
            local id = redis.call('LPOP', KEYS[1]) or redis.call('LPOP', KEYS[2]) or redis.call('LPOP', KEYS[3])
            if not id then
                return false
            end
            local key = ARGV[1] .. id
            local record = string.gsub(redis.call('GET', key), '"status":"queued"', '"status":"dispatched"', 1)
            redis.call('SET', key, record)
            redis.call('HINCRBY', KEYS[4], 'dispatched', 1)
            return record
            """)
    private static let prefix = "dms-bench:floor:"

    private let client: RedisClient

    /// Runs the body with a connection to Redis.
    static func with<Value: Sendable>(
        _ url: RedisURL, _ body: @escaping @Sendable (Floor) async throws -> Value
    ) async throws -> Value {
        let client = RedisClient(
            url: url, scripts: [script], eventLoops: [MultiThreadedEventLoopGroup.singleton.next()],
            logger: Logger(label: "dms-bench") { _ in SwiftLogNoOpLogHandler() })
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                try await client.run()
                return nil
            }
            tasks.addTask {
                try await client.ready(within: .seconds(5))
                let value = try await body(Floor(client: client))
                client.shutdown()
                return value
            }
            var result: Value?
            while let value = try await tasks.next() { result = value ?? result }
            guard let result else { throw BenchFailure("the connection to Redis ended") }
            return result
        }
    }

    /// Puts tasks of about 300 bytes into the floor's own queue.
    func fill(_ count: Int) async throws {
        _ = try await client.call("DEL", Floor.prefix + "low")
        for number in 0..<count {
            let record =
                #"{"task_id":"t\#(number)","service":"copy","user_id":"bench","parameters":{"from":"/data/a","to":"/data/b","size":123456789,"note":"\#(String(repeating: "x", count: 80))"},"priority":"low","status":"queued","enqueued_at":"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-01T00:00:00.000000Z"}"#
            _ = try await client.call("SET", Floor.prefix + "task:t\(number)", record)
            _ = try await client.call("RPUSH", Floor.prefix + "low", "t\(number)")
        }
    }

    /// Takes one task.
    func handOut() async throws {
        let keys = ["high", "mid", "low", "stats"].map { Floor.prefix + $0 }
        let answer = try await client.evaluate(Floor.script, keys: keys, arguments: [.text(Floor.prefix + "task:")])
        guard answer.string != nil else { throw BenchFailure("the floor's queue is empty") }
    }
}

/// Something that makes a measurement worthless.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
