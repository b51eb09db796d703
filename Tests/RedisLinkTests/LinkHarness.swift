import Logging
import NIOCore
import NIOPosix
import RedisLink
import TestSupport

/// A running client on event loops of its own, and what it logged.
struct LinkHarness {
    /// Short enough for a test that waits for them.
    static let quick = RedisOptions(
        connectTimeout: .milliseconds(300), commandTimeout: .milliseconds(300), backoffMin: .milliseconds(5),
        backoffMax: .milliseconds(40))

    let client: RedisClient
    let loops: [any EventLoop]
    let log: LogRecorder

    /// The first of the loops.
    var loop: any EventLoop { loops[0] }

    /// Runs the body with a client, which is `ready` unless that is not to be waited for, and ends it.
    static func with(
        _ url: RedisURL, placement: RedisPlacement = RedisPlacement(), options: RedisOptions = RedisOptions(),
        scripts: [RedisScript] = [], loops count: Int = 1, ready: Bool = true,
        _ body: (LinkHarness) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let log = LogRecorder()
        let loops = Array(group.makeIterator())
        let client = RedisClient(
            url: url, placement: placement, options: options, scripts: scripts, eventLoops: loops,
            logger: Logger(label: "test") { _ in log.handler })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await client.run() }
            do {
                if ready { try await client.ready(within: .seconds(10)) }
                try await body(LinkHarness(client: client, loops: loops, log: log))
                client.shutdown()
            } catch {
                client.shutdown()
                throw error
            }
            try await tasks.waitForAll()
        }
        try await group.shutdownGracefully()
    }

    /// Sends a command on one of the links.
    @discardableResult
    func call(_ words: String...) async throws -> RedisValue { try await client.call(words) }

    /// Sends a command on one of the links.
    @discardableResult
    func call(_ name: String, _ arguments: [RedisArgument]) async throws -> RedisValue {
        try await client.call(name, arguments)
    }

    /// Calls a script on one of the links.
    @discardableResult
    func evaluate(_ script: RedisScript, keys: [String], arguments: [RedisArgument] = []) async throws -> RedisValue {
        try await client.evaluate(script, keys: keys, arguments: arguments)
    }

    /// Waits until the link is not ready for a reason that has this word.
    func expectNotReady(_ word: String) async throws {
        var said = ""
        do {
            try await eventually {
                do {
                    try await client.ready(within: .milliseconds(30))
                    throw TestFailure("the link is ready")
                } catch RedisError.unavailable(let sentence) {
                    said = sentence
                    return sentence.contains(word)
                }
            }
        } catch {
            throw TestFailure("\(error); it said last: \(said)")
        }
    }

    /// Does something with the link of the first loop, on that loop.
    func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (RedisConnection) -> EventLoopFuture<Value>
    ) async throws -> Value {
        try await loop.flatSubmit { [client, loop] in body(client.connection(on: loop)) }.get()
    }

    /// Sends a command and waits until Redis has it: until then it cannot be in flight.
    func sendBlocking(
        _ redis: TestRedis, readOnly: Bool = false
    ) async throws -> EventLoopFuture<RedisValue> {
        let future = try await loop.submit { [client, loop] in
            client.connection(on: loop).send(RedisCommand("BLPOP", "nothing-comes", "0", readOnly: readOnly)) {
                reply throws(RedisError) in try RedisValue(reply)
            }
        }.get()
        try await eventually { try await redis.call("CLIENT", "LIST").string?.contains("cmd=blpop") == true }
        return future
    }
}

/// What an error is, for the tests of what is known of a call.
enum Fate: Equatable {
    case unavailable, outcomeUnknown, reply(String), unexpectedReply, answered, other

    /// The fate of a call.
    static func of(_ call: () async throws -> Void) async -> Fate {
        do {
            try await call()
            return .answered
        } catch {
            switch error as? RedisError {
            case .unavailable: return .unavailable
            case .outcomeUnknown: return .outcomeUnknown
            case .reply(let code, _): return .reply(code)
            case .unexpectedReply: return .unexpectedReply
            case nil: return .other
            }
        }
    }
}
