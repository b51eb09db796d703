import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
public import RedisLink
import Synchronization

/// A redis-server of one test: in a temporary folder, on a unix socket, gone when the test is.
public final class TestRedis: Sendable {
    /// Where it listens: a unix socket; with the password where `--requirepass` is among the arguments.
    public let url: RedisURL
    /// Its port of 127.0.0.1; nil where none was asked for.
    public let tcpPort: Int?
    /// The folder that it keeps its data in.
    public let folder: String

    private let arguments: [String]
    private let environment: [String: String]
    private let process = Mutex<RunningProcess?>(nil)
    private let client: RedisClient

    /// A process and the pipe that keeps it: when the pipe ends, also because the test run was killed, so does the server.
    private struct RunningProcess: Sendable {
        var process: Process
        var lifeline: Pipe
    }

    private static let script = """
        exec 3<&0
        ( exec >/dev/null 2>&1; cat <&3; kill -9 $$ ) &
        exec 3<&-
        exec redis-server "$@" </dev/null >>redis.log 2>&1
        """

    /// Runs the body with a server that answers; `persistent` keeps every write through a kill.
    public static func with<Value>(
        arguments: [String] = [], tcp: Bool = false, persistent: Bool = false, environment: [String: String] = [:],
        _ body: (TestRedis) async throws -> Value
    ) async throws -> Value {
        let port = tcp ? try await freePort() : nil
        let redis = try TestRedis(
            arguments: arguments, tcpPort: port, persistent: persistent, environment: environment)
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
        arguments: [String], tcpPort: Int?, persistent: Bool, environment: [String: String]
    ) throws {
        var template = Array("/tmp/dms-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestFailure("no temporary folder can be made") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let socket = "\(folder)/redis.sock"
        let option = arguments.firstIndex(of: "--requirepass")
        url = RedisURL(address: .unix(path: socket), password: option.map { arguments[$0 + 1] })
        self.tcpPort = tcpPort
        self.environment = environment
        self.arguments =
            [
                "--port", String(tcpPort ?? 0), "--bind", "127.0.0.1", "--unixsocket", socket, "--dir", folder,
                "--save", "", "--appendonly", persistent ? "yes" : "no", "--appendfsync", "always",
            ] + arguments
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
        let process = Process()
        let lifeline = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", TestRedis.script, "redis"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, given in given }
        process.standardInput = lifeline
        try process.run()
        self.process.withLock { $0 = RunningProcess(process: process, lifeline: lifeline) }
        try await eventually {
            guard process.isRunning else { throw TestFailure("redis-server ended at once: \(self.logged)") }
            return (try? await self.client.call("PING")) != nil
        }
    }

    /// The server's process; nil where none runs.
    public var processIdentifier: Int32? {
        process.withLock { running in
            guard let process = running?.process, process.isRunning else { return nil }
            return process.processIdentifier
        }
    }

    /// What the server wrote to its log.
    private var logged: String { (try? String(contentsOfFile: "\(folder)/redis.log", encoding: .utf8)) ?? "" }

    /// Ends the server as a crash would, and waits until it is gone.
    public func kill() async throws {
        signal(SIGKILL)
        // Its watcher holds what Foundation waits for the end of.
        process.withLock { try? $0?.lifeline.fileHandleForWriting.close() }
        try await eventually { self.process.withLock { $0?.process.isRunning } != true }
    }

    /// Ends the server as a crash would, starts it again, and waits until it answers.
    public func restart() async throws {
        try await kill()
        try await start()
    }

    /// Stops the server from answering, with its connections open.
    public func pause() { signal(SIGSTOP) }

    /// Lets it answer again.
    public func resume() { signal(SIGCONT) }

    /// A port that nobody listens on, outside the range from which the system takes ports for others meanwhile.
    private static func freePort() async throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            guard
                let probe = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
            else { continue }
            try await probe.close()
            return port
        }
        throw TestFailure("no port is free")
    }

    private func signal(_ number: Int32) {
        process.withLock { running in
            guard let process = running?.process, process.isRunning else { return }
            _ = Glibc.kill(process.processIdentifier, number)
        }
    }

    private func end() async throws {
        client.shutdown()
        try await kill()
        try FileManager.default.removeItem(atPath: folder)
    }
}
