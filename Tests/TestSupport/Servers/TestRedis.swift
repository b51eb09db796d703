import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
public import RedisLink

/// A redis-server of one test: in a temporary folder, on a unix socket, gone when the test is.
public final class TestRedis: Sendable {
    /// Where it listens: a unix socket; with the password where `--requirepass` is among the arguments.
    public let url: RedisURL
    /// Its port of 127.0.0.1; nil where none was asked for.
    public let tcpPort: Int?
    /// The folder that it keeps its data in.
    public let folder: String

    private let process: ServerProcess
    private let client: RedisClient

    /// Runs the body with a server that answers; `persistent` keeps every write through a kill.
    ///
    /// With certificates its port speaks TLS only; `arguments` may name others of them.
    public static func with<Value>(
        arguments: [String] = [], tcp: Bool = false, tls: TestCertificates? = nil, persistent: Bool = false,
        environment: [String: String] = [:], _ body: (TestRedis) async throws -> Value
    ) async throws -> Value {
        let port = tcp || tls != nil ? try await ServerProcess.freePort() : nil
        let redis = try TestRedis(
            arguments: arguments, tcpPort: port, tls: tls, persistent: persistent, environment: environment)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await redis.client.run() }
            do {
                try await redis.start()
                let value = try await body(redis)
                try await redis.end()
                return value
            } catch {
                try? await redis.end()
                throw error
            }
        }
    }

    private init(
        arguments: [String], tcpPort: Int?, tls: TestCertificates?, persistent: Bool, environment: [String: String]
    ) throws {
        folder = try ServerProcess.makeFolder()
        let socket = "\(folder)/redis.sock"
        let option = arguments.firstIndex(of: "--requirepass")
        url = RedisURL(address: .unix(path: socket), password: option.map { arguments[$0 + 1] })
        self.tcpPort = tcpPort
        let port = String(tcpPort ?? 0)
        let listening = tls.map { ["--port", "0", "--tls-port", port] + $0.arguments() } ?? ["--port", port]
        process = ServerProcess(
            arguments: listening + [
                "--bind", "127.0.0.1", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly",
                persistent ? "yes" : "no", "--appendfsync", "always",
            ] + arguments, environment: environment, folder: folder)
        client = RedisClient(
            url: url, eventLoops: [MultiThreadedEventLoopGroup.singleton.any()],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Sends a command; an error answer is thrown.
    @discardableResult
    public func call(_ words: [String]) async throws -> RedisValue { try await client.call(words) }

    /// Sends a command; an error answer is thrown.
    @discardableResult
    public func call(_ words: String...) async throws -> RedisValue { try await call(words) }

    /// Starts the server, after ``kill()`` again, and waits until it answers.
    public func start() async throws {
        try process.start()
        try await eventually {
            guard self.process.isRunning else {
                throw TestFailure("redis-server ended at once: \(self.process.logged)")
            }
            return (try? await self.client.call("PING")) != nil
        }
    }

    /// The server's process; nil where none runs.
    public var processIdentifier: Int32? { process.processIdentifier }

    /// Ends the server as a crash would, and waits until it is gone.
    public func kill() async throws { try await process.kill() }

    /// Ends the server as a crash would, starts it again, and waits until it answers.
    public func restart() async throws {
        try await kill()
        try await start()
    }

    /// From now on it may remove keys when its memory is full; who is connected has to connect again.
    public func evictTasks() async throws {
        try await call("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
        try await call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    }

    /// Stops the server from answering, with its connections open.
    public func pause() { process.signal(SIGSTOP) }

    /// Lets it answer again.
    public func resume() { process.signal(SIGCONT) }

    private func end() async throws {
        client.shutdown()
        try await kill()
        try FileManager.default.removeItem(atPath: folder)
    }
}
