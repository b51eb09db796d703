import Foundation
import Glibc
import NIOCore
public import NIOSSL

/// A running `dms-scheduler` on ports of its own.
public struct SchedulerProcess: Sendable {
    /// The operator token that it takes.
    public static let token = "correct horse"

    /// The process.
    public let program: Program
    /// The folder that it runs in.
    public let folder: String
    /// The REST door's port.
    public let httpPort: Int
    /// The binary door's port.
    public let rpcPort: Int
    /// What the tests connect to the REST door with, where that speaks TLS.
    public let tls: NIOSSLContext?

    /// Starts it, and waits until both doors are open and, unless that is left out, Redis answers.
    public static func start(
        _ arguments: [String] = [], rpcPort: Int = 0, folder: String, program name: String = "dms-scheduler",
        environment: [String: String] = [:], tls: NIOSSLContext? = nil, waitsForRedis: Bool = true,
        descriptorsMax: Int? = nil
    ) async throws -> SchedulerProcess {
        let program = try Program(
            name, ["--http-port", "0", "--rpc-port", "\(rpcPort)", "--data-dir", "data"] + arguments,
            environment: environment.merging(["DMS_OPERATOR_TOKEN": token]) { given, _ in given }, folder: folder,
            descriptorsMax: descriptorsMax)
        try await eventually {
            guard program.isRunning else { throw TestFailure(program.errors) }
            return port(of: "The REST door is open", program) != nil
                && port(of: "The binary door is open", program) != nil
        }
        guard let httpPort = port(of: "The REST door is open", program),
            let rpcPort = port(of: "The binary door is open", program)
        else { throw TestFailure(program.errors) }
        let scheduler = SchedulerProcess(
            program: program, folder: folder, httpPort: httpPort, rpcPort: rpcPort, tls: tls)
        if waitsForRedis { try await eventually { try await scheduler.http("GET", "/readyz").status == 200 } }
        return scheduler
    }

    private static func port(of sentence: String, _ program: Program) -> Int? {
        let lines = program.errors.split(separator: "\n")
        guard let line = lines.first(where: { $0.contains(sentence) }),
            let match = line.firstMatch(of: #/address(=|":")\S*?:(\d+)[ "]/#)
        else { return nil }
        return Int(match.2)
    }

    /// Asks the REST door, as an operator.
    public func http(_ method: String, _ target: String, _ body: String? = nil) async throws -> HTTPAnswer {
        let connection = try await connect()
        let headers = [("X-DMS-Operator-Token", SchedulerProcess.token)]
        let answer = try await connection.call(
            method, target, headers: headers, body: body.map { ByteBuffer(string: $0) })
        try await connection.close()
        return answer
    }

    /// A connection to the REST door.
    public func connect() async throws -> HTTPConnection {
        try await HTTPConnection.open(
            try SocketAddress(ipAddress: "127.0.0.1", port: httpPort), tls: tls, closingAfter: .minutes(5))
    }

    /// Runs one of the client programs against it.
    public func run(_ name: String, _ arguments: String...) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        try await Program.run(
            name, arguments,
            environment: ["DMS_SERVER": "127.0.0.1:\(rpcPort)", "DMS_OPERATOR_TOKEN": SchedulerProcess.token],
            folder: folder)
    }

    /// Ends it as an operator does; its exit code.
    public func terminate() async throws -> Int32 {
        program.signal(SIGTERM)
        return try await program.exitCode()
    }

    /// Ends it as a crash does, and waits until its private redis-server is gone too.
    public func crash() async throws {
        program.signal(SIGKILL)
        _ = try await program.exitCode()
    }
}
