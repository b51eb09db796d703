import DMSClient
import DMSModel
import Foundation
import Glibc
import NIOCore
import TestSupport

/// A running `dms-scheduler` on ports of its own.
struct SchedulerProcess {
    static let token = "correct horse"

    let program: Program
    let folder: String
    let httpPort: Int
    let rpcPort: Int

    /// Starts it, and waits until both doors are open and Redis answers.
    static func start(
        _ arguments: [String] = [], rpcPort: Int = 0, folder: String, descriptorsMax: Int? = nil
    ) async throws -> SchedulerProcess {
        let program = try Program(
            "dms-scheduler",
            ["--http-port", "0", "--rpc-port", "\(rpcPort)", "--data-dir", "data"] + arguments,
            environment: ["DMS_OPERATOR_TOKEN": token], folder: folder, descriptorsMax: descriptorsMax)
        try await eventually {
            port(of: "The REST door is open", program) != nil && port(of: "The binary door is open", program) != nil
        }
        guard let httpPort = port(of: "The REST door is open", program),
            let rpcPort = port(of: "The binary door is open", program)
        else { throw TestFailure(program.errors) }
        let scheduler = SchedulerProcess(program: program, folder: folder, httpPort: httpPort, rpcPort: rpcPort)
        try await eventually { try await scheduler.http("GET", "/readyz").status == 200 }
        return scheduler
    }

    private static func port(of sentence: String, _ program: Program) -> Int? {
        let lines = program.errors.split(separator: "\n")
        guard let line = lines.first(where: { $0.contains(sentence) }),
            let match = line.firstMatch(of: #/address=\S*?:(\d+) /#)
        else { return nil }
        return Int(match.1)
    }

    func http(_ method: String, _ target: String, _ body: String? = nil) async throws -> HTTPAnswer {
        let connection = try await connect()
        let headers = [("X-DMS-Operator-Token", SchedulerProcess.token)]
        let answer = try await connection.call(
            method, target, headers: headers, body: body.map { ByteBuffer(string: $0) })
        try await connection.close()
        return answer
    }

    func connect() async throws -> HTTPConnection {
        try await HTTPConnection.open(
            try SocketAddress(ipAddress: "127.0.0.1", port: httpPort), closingAfter: .minutes(5))
    }

    func client() -> DMSClient {
        DMSClient(
            address: .tcp(host: "127.0.0.1", port: rpcPort),
            options: ClientOptions(operatorToken: SchedulerProcess.token, deadline: .seconds(30)))
    }

    /// Runs one of the client programs against it.
    func run(_ name: String, _ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await Program.run(
            name, arguments,
            environment: ["DMS_SERVER": "127.0.0.1:\(rpcPort)", "DMS_OPERATOR_TOKEN": SchedulerProcess.token],
            folder: folder)
    }

    /// Ends it as an operator does; its exit code.
    func terminate() async throws -> Int32 {
        program.signal(SIGTERM)
        return try await program.exitCode()
    }

    /// Ends it as a crash does, and waits until its private redis-server is gone too.
    func crash() async throws {
        program.signal(SIGKILL)
        _ = try await program.exitCode()
    }
}
