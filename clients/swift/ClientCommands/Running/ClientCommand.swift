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
        let outcome = await execute(environment: ProcessInfo.processInfo.environment, print: StandardOutput.write)
        try? FileHandle.standardError.write(contentsOf: Data(outcome.standardError.utf8))
        if outcome.status != .success { throw ExitCode(outcome.status.rawValue) }
    }

    /// Does the command's work, prints what came of it, and says how it ended.
    public func execute(
        environment: [String: String], print: @Sendable (ByteBuffer) throws(OutputError) -> Void = { _ in }
    ) async -> CommandOutcome {
        let client: DMSClient
        do throws(UsageError) {
            let settings = try ClientSettings(connection, program: Self.program, environment: environment)
            var options = settings.options
            adjust(&options)
            client = DMSClient(addresses: settings.addresses, options: options)
        } catch {
            return failure("\(error)", .usage)
        }
        let outcome = await outcome(with: client, print)
        await client.close()
        return outcome
    }

    private func outcome(
        with client: DMSClient, _ print: @Sendable (ByteBuffer) throws(OutputError) -> Void
    ) async -> CommandOutcome {
        let report: CommandReport
        do {
            report = try await perform(with: client)
        } catch let error as DMSClientError {
            return failure("\(error)", CommandStatus(error))
        } catch {
            return failure("\(error)", .usage)
        }
        let output = text(of: report)
        do throws(OutputError) {
            if output.readableBytes > 0 { try print(output) }
            return CommandOutcome(standardOutput: output, status: report.status)
        } catch {
            // Who closes a pipe has read enough, and need not be told.
            let problem = error.isPipeClosed ? nil : "\(error)"
            let sentences = [problem, await report.whenLost?()].compactMap(\.self)
            if sentences.isEmpty { return CommandOutcome(status: .outputLost) }
            return failure(sentences.joined(separator: ". "), .outputLost)
        }
    }

    private func text(of report: CommandReport) -> ByteBuffer {
        var output = connection.json ? PrintableText.escapedJSON(report.json) : ByteBuffer(string: report.text)
        if output.readableBytes > 0 { output.writeStaticString("\n") }
        return output
    }

    private func failure(_ message: String, _ status: CommandStatus) -> CommandOutcome {
        // Further lines stand back, so that none of them looks like a sentence of the program's own.
        let text = PrintableText.lines(message).joined(separator: "\n  ")
        return CommandOutcome(standardError: "\(Self.program.name): \(text)\n", status: status)
    }
}
