import Foundation
import Glibc
import NIOCore

/// HAProxy in front of a master and its replica, as `docs/examples/haproxy.cfg` sets it up; gone when the test is.
public final class TestHAProxy: Sendable {
    /// Where it leads to the master.
    public let writerPort: Int
    /// Where it leads to the replica, or to the master while there is none.
    public let readerPort: Int

    private let process: ServerProcess
    private let folder: String

    /// Runs the body with a proxy that lets clients in, to two servers, which ask for that password where there is one.
    public static func with<Value>(
        _ servers: [TestRedis], password: String? = nil, _ body: (TestHAProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = TestHAProxy(
            writerPort: try await ServerProcess.freePort(), readerPort: try await ServerProcess.freePort(),
            folder: try ServerProcess.makeFolder())
        do {
            try TestHAProxy.configuration(of: proxy, servers, password: password)
                .write(toFile: "\(proxy.folder)/haproxy.cfg", atomically: true, encoding: .utf8)
            try await proxy.start()
            let value = try await body(proxy)
            try await proxy.end()
            return value
        } catch {
            try? await proxy.end()
            throw error
        }
    }

    private init(writerPort: Int, readerPort: Int, folder: String) {
        self.writerPort = writerPort
        self.readerPort = readerPort
        self.folder = folder
        // In the foreground, as one process. It is no program of everybody's PATH.
        process = ServerProcess("/usr/sbin/haproxy", arguments: ["-db", "-f", "haproxy.cfg"], folder: folder)
    }

    /// The example that operators are given, on these ports.
    private static func configuration(
        of proxy: TestHAProxy, _ servers: [TestRedis], password: String?
    ) throws -> String {
        let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var text = try String(
            contentsOf: project.appending(path: "docs/examples/haproxy.cfg"), encoding: .utf8)
        var replacements = [
            ("bind 127.0.0.1:6379\n", "bind 127.0.0.1:\(proxy.writerPort)\n"),
            ("bind 127.0.0.1:6380\n", "bind 127.0.0.1:\(proxy.readerPort)\n"),
        ]
        for (index, server) in servers.enumerated() {
            replacements.append((" 10.0.0.\(index + 1):6379\n", " 127.0.0.1:\(server.port)\n"))
        }
        if let password { replacements += [("#tcp-check", "tcp-check"), ("AUTH secret", "AUTH \(password)")] }
        for (example, ours) in replacements {
            guard text.contains(example) else { throw TestFailure("the example has no '\(example)' any more") }
            text = text.replacing(example, with: ours)
        }
        guard !text.contains(" 10.0.0.") else { throw TestFailure("the example has other servers than the test") }
        return text
    }

    /// Starts it, after ``kill()`` again, and waits until it takes connections.
    public func start() async throws {
        try process.start()
        for port in [writerPort, readerPort] {
            try await eventually {
                guard self.process.isRunning else {
                    throw TestFailure("HAProxy (Debian's package haproxy) ended at once: \(self.process.logged)")
                }
                guard let connection = try? await HTTPConnection.open(try address(port)) else { return false }
                try await connection.close()
                return true
            }
        }
    }

    /// Whether who connects for writes is led to a server that answers.
    public func letsWritersIn() async throws -> Bool {
        // Who is not, is reset sooner or later.
        guard let connection = try? await HTTPConnection.open(try address(writerPort)) else { return false }
        try? await connection.send("PING\r\n")
        let answer = try? await connection.chunk()
        try? await connection.close()
        return answer != nil
    }

    /// Ends it as a crash would, with all of its connections, and waits until it is gone.
    public func kill() async throws { try await process.kill() }

    /// Stops it, with its connections open.
    public func pause() { process.signal(SIGSTOP) }

    /// Lets it go on.
    public func resume() { process.signal(SIGCONT) }

    private func address(_ port: Int) throws -> SocketAddress { try SocketAddress(ipAddress: "127.0.0.1", port: port) }

    private func end() async throws {
        try await kill()
        try FileManager.default.removeItem(atPath: folder)
    }
}
