import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel
import DMSWire
import NIOCore

/// A task and the proof of holding it, as `next` printed them.
struct LeaseArguments: ParsableArguments {
    @Argument(help: "The task's id.")
    var task: String

    @Argument(help: ArgumentHelp("The lease token that the task came with.", valueName: "token"))
    var token: String

    var reference: LeaseReference { LeaseReference(taskID: TaskID(task), token: token) }
}

/// The command `dms-submitter ack`.
struct AckCommand: ClientCommand {
    static let program = ClientProgram.submitter

    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: "End a lease: the task is its holder's for good, until it is finished or returned.")

    @OptionGroup var lease: LeaseArguments
    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        try .lease(of: await client.submitter.ack([lease.reference]))
    }
}

/// The command `dms-submitter renew`.
struct RenewCommand: ClientCommand {
    static let program = ClientProgram.submitter

    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Extend a lease; says, too, whether the task was canceled.")

    @OptionGroup var lease: LeaseArguments

    @Option(
        name: .customLong("lease"), parsing: .unconditional,
        help: ArgumentHelp("How long from now, from 1s to 24h; as long as it was by default.", valueName: "time"),
        transform: { try LeaseTime.read($0) })
    var time: TimeArgument?

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        try .lease(of: await client.submitter.renew([lease.reference], for: time?.duration))
    }
}

/// The command `dms-submitter return`.
struct ReturnCommand: ClientCommand {
    static let program = ClientProgram.submitter

    static let configuration = CommandConfiguration(
        commandName: "return", abstract: "Give a task back to its place in its queue.")

    @OptionGroup var lease: LeaseArguments

    @Option(parsing: .unconditional, help: "Why, for people.")
    var reason: String?

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .task(try await client.submitter.return(lease.reference, reason: reason))
    }
}

/// The command `dms-submitter finish`.
struct FinishCommand: ClientCommand {
    static let program = ClientProgram.submitter

    static let configuration = CommandConfiguration(
        commandName: "finish", abstract: "End a task: as completed, or with --failed or --error as failed.",
        discussion: """
            The token is left out for a task that was fetched without a lease.

            Examples:
              dms-submitter finish task-1 "$TOKEN" --result '{"files": 3}'
              dms-submitter finish task-1 "$TOKEN" --error 'no space left'
              dms-submitter finish task-1 "$TOKEN" --failed --result '{"files": 2}' --error 'no space left'
            """)

    @Argument(help: "The task's id.")
    var task: String

    @Argument(help: ArgumentHelp("The lease token that the task came with.", valueName: "token"))
    var token = ""

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What came of it, whether it failed or not: JSON, @ and the path of a file that holds it, or - for standard input.",
            valueName: "json|@file|-"))
    var result: String?

    @Flag(help: "The task failed.")
    var failed = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Why the task failed, for people; without --failed, too.", valueName: "text"))
    var error: String?

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        let lease = LeaseReference(taskID: TaskID(task), token: token)
        let result = try readResult()
        let hasFailed = failed || error != nil
        let ending: TaskEnding =
            hasFailed ? .failed(error: error ?? "", result: result) : .completed(result: result)
        return .task(try await client.submitter.finish(lease, ending))
    }

    /// An empty text is no JSON, and must not pass for a result that was left out: an ending can't be taken back.
    private func readResult() throws(UsageError) -> ByteBuffer? {
        guard let result else { return nil }
        let bytes = try InputFile.text(result, bytesMax: Limits.frameDataBytesMax)
        guard bytes.readableBytes > 0 else {
            throw UsageError(
                "The result is empty, which is no JSON; a task without a result is finished without --result")
        }
        return bytes
    }
}

extension CommandReport {
    /// The one outcome of a call about one lease; its error is the call's.
    fileprivate static func lease(of outcomes: [LeaseOutcome]) throws -> CommandReport {
        guard let outcome = outcomes.first else {
            throw DMSClientError.protocolViolation("it answered for no lease", outcomeUnknown: true)
        }
        if let error = outcome.error { throw DMSClientError.rpc(RPCError(error)) }
        return .lease(outcome)
    }
}
