import Foundation
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A server, a `redis-server` where nothing else is said, that ends with the test, also where that is killed.
final class ServerProcess: Sendable {
    private let program: String
    private let arguments: [String]
    private let environment: [String: String]
    private let folder: String
    private let running = Mutex<Running?>(nil)

    /// A process and the pipe that keeps it: when the pipe ends, also because the test run was killed, so does the server.
    private struct Running: Sendable {
        var process: Process
        var lifeline: Pipe
    }

    private static let script = """
        exec 3<&0
        ( exec >/dev/null 2>&1; cat <&3; kill -9 $$ ) &
        exec 3<&-
        exec "$0" "$@" </dev/null >>server.log 2>&1
        """

    init(
        _ program: String = "redis-server", arguments: [String], environment: [String: String] = [:], folder: String
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.folder = folder
    }

    var isRunning: Bool { running.withLock { $0?.process.isRunning } == true }

    /// Nil where none runs.
    var processIdentifier: Int32? {
        running.withLock { running in
            guard let process = running?.process, process.isRunning else { return nil }
            return process.processIdentifier
        }
    }

    /// What the server wrote to its log.
    var logged: String { (try? String(contentsOfFile: "\(folder)/server.log", encoding: .utf8)) ?? "" }

    /// Starts the server, after ``kill()`` again.
    func start() throws {
        let process = Process()
        let lifeline = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", ServerProcess.script, program] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, given in given }
        process.standardInput = lifeline
        try process.run()
        running.withLock { $0 = Running(process: process, lifeline: lifeline) }
    }

    /// Ends the server as a crash would, and waits until it is gone.
    func kill() async throws {
        signal(SIGKILL)
        // Its watcher holds what Foundation waits for the end of.
        running.withLock { try? $0?.lifeline.fileHandleForWriting.close() }
        try await eventually { !self.isRunning }
    }

    func signal(_ number: Int32) {
        running.withLock { running in
            guard let process = running?.process, process.isRunning else { return }
            _ = Glibc.kill(process.processIdentifier, number)
        }
    }

    static func makeFolder() throws -> String {
        var template = Array("/tmp/dms-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestFailure("no temporary folder can be made") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Ports that were given out: who asked for one may not listen on it yet, or again.
    private static let givenPorts = Mutex<Set<Int>>([])

    /// A port that nobody listens on, outside the range from which the system takes ports for others meanwhile; each is given
    /// out once.
    static func freePort() async throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 20_000..<32_000)
            guard givenPorts.withLock({ $0.insert(port).inserted }),
                let probe = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
            else { continue }
            try await probe.close()
            return port
        }
        throw TestFailure("no port is free")
    }
}
