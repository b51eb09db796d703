import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisLink

/// The servers of a soak: a Redis without persistence, a scheduler that runs all the time, and one that is killed.
struct SoakServers: Sendable {
    let redis: BenchServer
    let first: BenchServer
    let second: RestartedServer
    let rpcPorts: [Int]
    let httpPorts: [Int]
    private let client: RedisClient

    /// Runs the body while they run.
    static func with<Value: Sendable>(_ body: (SoakServers) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("dms-soak-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let url = RedisURL(address: .unix(path: "\(folder)/redis.sock"))
        let rpcPorts = [try BenchServer.freePort(), try BenchServer.freePort()]
        let httpPorts = [try BenchServer.freePort(), try BenchServer.freePort()]
        // The scheduler lies beside this program.
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("dms-scheduler").path
        let arguments = (0..<2).map { index in
            ["--redis-writer-url", "\(url)", "--rpc-port", "\(rpcPorts[index])", "--http-port", "\(httpPorts[index])"]
        }
        let client = RedisClient(
            url: url, eventLoops: [MultiThreadedEventLoopGroup.singleton.any()],
            logger: Logger(label: "dms-bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        let second = RestartedServer { body in
            try await BenchServer.with(executable, arguments[1], folder: folder, log: "second", body)
        }
        return try await BenchServer.with(
            "redis-server",
            [
                "--port", "0", "--unixsocket", "\(folder)/redis.sock", "--dir", folder, "--save", "",
                "--appendonly", "no",
            ], folder: folder, log: "redis"
        ) { redis in
            client.start()
            try await client.ready(within: .seconds(10))
            return try await BenchServer.with(executable, arguments[0], folder: folder, log: "first") { first in
                let servers = SoakServers(
                    redis: redis, first: first, second: second, rpcPorts: rpcPorts, httpPorts: httpPorts, client: client
                )
                async let running: Void = second.run()
                do {
                    try await servers.ready()
                    let value = try await body(servers)
                    second.end()
                    try await running
                    return value
                } catch {
                    second.end()
                    throw error
                }
            }
        }
    }

    private func ready() async throws {
        for port in rpcPorts + httpPorts {
            let deadline = ContinuousClock.now + .seconds(20)
            while true {
                let attempt = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: port)
                if let channel = try? await attempt.get() {
                    try await channel.close()
                    break
                }
                guard ContinuousClock.now < deadline else { throw BenchFailure("a scheduler did not start") }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    func redisCall(_ words: String...) async throws -> RedisValue { try await client.call(words) }

    /// The bytes that Redis uses; nil while it does not say.
    func redisMemory() async -> Int? {
        guard let text = try? await redisCall("INFO", "memory").string,
            let match = text.firstMatch(of: #/used_memory:(\d+)/#)
        else { return nil }
        return Int(match.1)
    }

    /// Each task's status, in the order of the ids; nil where there is no record.
    func statuses(_ ids: [String]) async throws -> [String?] {
        let answer = try await client.call(["MGET"] + ids.map { "dms:task:\($0)" })
        return (answer.array ?? []).map { record in
            guard let match = record.string?.firstMatch(of: #/"status":"([a-z]+)","enqueued_at"/#) else { return nil }
            return String(match.1)
        }
    }
}
