public import ArgumentParser
public import DMSClient
import Foundation
public import NIOCore

/// A command that makes calls to the scheduler and prints what came of them.
public protocol ClientCommand: AsyncParsableCommand {
    /// Which program it is a command of.
    static var program: ClientProgram { get }
    /// Where the scheduler is, and how to print.
    var connection: ConnectionFlags { get }

    /// What the command wants otherwise than other commands do of their client.
    func adjust(_ options: inout ClientOptions)

    /// Makes the calls; throws ``UsageError``, or `DMSClientError`.
    func perform(with client: DMSClient) async throws -> CommandReport
}

/// What a command prints, and how the program ends.
public struct CommandOutcome: Sendable, Equatable {
    /// What goes to standard output, its last line break included; empty after a failure.
    public var standardOutput = ByteBuffer()
    /// What goes to standard error, its last line break included; empty after a success.
    public var standardError = ""
    /// How the program ends.
    public var status = CommandStatus.success
}

extension ClientCommand {
    /// Wants nothing otherwise.
    public func adjust(_ options: inout ClientOptions) {}

    /// Does the command's work, prints, and ends the program.
    public func run() async throws {
        let outcome = await execute(environment: ProcessInfo.processInfo.environment)
        try FileHandle.standardOutput.write(contentsOf: Data(outcome.standardOutput.readableBytesView))
        try FileHandle.standardError.write(contentsOf: Data(outcome.standardError.utf8))
        if outcome.status != .success { throw ExitCode(outcome.status.rawValue) }
    }

    /// Does the command's work, and says what is to be printed.
    public func execute(environment: [String: String]) async -> CommandOutcome {
        do {
            let settings = try ClientSettings(connection, program: Self.program, environment: environment)
            var options = settings.options
            adjust(&options)
            let client = DMSClient(addresses: settings.addresses, options: options)
            let result = await Result.capturing { try await perform(with: client) }
            await client.close()
            return print(try result.get())
        } catch let error as DMSClientError {
            return failure("\(error)", CommandStatus(error))
        } catch {
            return failure("\(error)", .usage)
        }
    }

    private func print(_ report: CommandReport) -> CommandOutcome {
        var outcome = CommandOutcome(status: report.status)
        if connection.json {
            outcome.standardOutput = report.json
            outcome.standardOutput.writeStaticString("\n")
        } else if !report.text.isEmpty {
            outcome.standardOutput.writeString(report.text)
            outcome.standardOutput.writeStaticString("\n")
        }
        return outcome
    }

    private func failure(_ message: String, _ status: CommandStatus) -> CommandOutcome {
        CommandOutcome(standardError: "\(Self.program.name): \(PrintableText.line(message))\n", status: status)
    }
}

extension Result where Failure == any Error {
    /// What the body returns, or throws.
    fileprivate static func capturing(_ body: () async throws -> Success) async -> Result {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
