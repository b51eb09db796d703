import ArgumentParser
import ClientCommands
import DMSClient
import DMSWire
import NIOCore
import Testing

@testable import dms_admin
@testable import dms_submitter

/// Runs commands as their programs do, short of printing and exiting.
enum CommandRun {
    /// Runs a command against a server that the body answers for; the server's address comes from the environment.
    static func admin(
        _ arguments: [String], environment: [String: String] = [:],
        serving body: @escaping @Sendable (inout AsyncStream<ReceivedCall>.Iterator) async throws -> Void
    ) async throws -> CommandOutcome {
        try await run(parseAdmin(arguments), environment, serving: body)
    }

    static func submitter(
        _ arguments: [String], environment: [String: String] = [:],
        serving body: @escaping @Sendable (inout AsyncStream<ReceivedCall>.Iterator) async throws -> Void
    ) async throws -> CommandOutcome {
        try await run(parseSubmitter(arguments), environment, serving: body)
    }

    /// Runs a command that makes no call.
    static func offline(_ arguments: [String], environment: [String: String] = [:]) async throws -> CommandOutcome {
        let command = try #require(try parseAdmin(arguments) as? any ClientCommand)
        return await command.execute(environment: environment)
    }

    /// Parses what stands behind the program's name.
    static func parseAdmin(_ arguments: [String]) throws -> any ParsableCommand {
        try DMSAdmin.parseAsRoot(CommandWords.arranged(arguments, for: .admin))
    }

    static func parseSubmitter(_ arguments: [String]) throws -> any ParsableCommand {
        try DMSSubmitter.parseAsRoot(CommandWords.arranged(arguments, for: .submitter))
    }

    private static func run(
        _ parsed: any ParsableCommand, _ environment: [String: String],
        serving body: @escaping @Sendable (inout AsyncStream<ReceivedCall>.Iterator) async throws -> Void
    ) async throws -> CommandOutcome {
        let command = try #require(parsed as? any ClientCommand)
        let server = try await ScriptedServer.start()
        async let served: Void = {
            var calls = server.makeCallIterator()
            try await body(&calls)
        }()
        let outcome = await command.execute(
            environment: environment.merging(["DMS_SERVER": "\(server.address)"]) { given, _ in given })
        try await served
        await server.stop()
        return outcome
    }
}

extension CommandOutcome {
    /// What was printed for people or programs to read.
    var output: String { String(buffer: standardOutput) }
}
