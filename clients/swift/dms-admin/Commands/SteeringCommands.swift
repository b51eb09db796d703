import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel
import DMSWire

/// The command `dms-admin cancel ID`.
struct CancelCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a task.",
        discussion: """
            Whoever submitted the task says so with --service and --user. With the operator token any task may be \
            canceled, and both may be left out; the token is shown to the scheduler before the task is looked at. A token that is \
            wrong is an error in any case. Without a token, and where the scheduler has none, --service and --user are needed.
            """)

    @Argument(help: ArgumentHelp("The task's id.", valueName: "id"))
    var id: String

    @Option(parsing: .unconditional, help: "The service that the task is for.")
    var service: String?

    @Option(parsing: .unconditional, help: "The user that the task is for.")
    var user: String?

    @OptionGroup var connection: ConnectionFlags

    func validate() throws {
        guard (service == nil) == (user == nil) else {
            throw ValidationError("Give both --service and --user, or neither.")
        }
    }

    func perform(with client: DMSClient) async throws -> CommandReport {
        let cancellation = try await cancellation(with: client)
        return .task(try await client.tasks.cancel(cancellation))
    }

    private func cancellation(with client: DMSClient) async throws -> TaskCancellation {
        if let service, let user { return TaskCancellation(taskID: TaskID(id), service: service, userID: user) }
        guard client.hasOperatorToken else {
            throw UsageError("Without the operator token, cancel needs the task's --service and --user")
        }
        try await requireOperator(client)
        let record = try await client.tasks.get(TaskID(id)).record
        return TaskCancellation(taskID: record.taskID, service: record.service, userID: record.userID)
    }

    /// Throws unless the scheduler takes the token: whoever names the owner that was looked up passes for the owner.
    private func requireOperator(_ client: DMSClient) async throws {
        do throws(DMSClientError) {
            _ = try await client.admin.blockState()
        } catch {
            guard error.rpcError?.knownReason == .tokenNotConfigured else { throw error }
            throw UsageError("The scheduler has no operator token, so cancel needs the task's --service and --user")
        }
    }
}

/// The command `dms-admin priority ID LEVEL`.
struct PriorityCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "priority", abstract: "Move a queued task to the end of another queue.",
        discussion: "Needs the operator token. A task that has the priority already stays where it is.")

    @Argument(help: ArgumentHelp("The task's id.", valueName: "id"))
    var id: String

    @Argument(help: "How urgent the task is from now on.")
    var priority: Priority

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .task(try await client.admin.setPriority(of: TaskID(id), to: priority))
    }
}

/// The command `dms-admin block`.
struct BlockCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "Refuse new submissions from now on.",
        discussion: "Needs the operator token. Tasks that are queued are handed out as before.")

    @Option(parsing: .unconditional, help: "Why; shown to those who ask.")
    var reason: String?

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .block(try await client.admin.block(true, reason: reason))
    }
}

/// The command `dms-admin resume`.
struct ResumeCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Take new submissions again.",
        discussion: "Needs the operator token. Without --reason the reason of the block is kept.")

    @Option(parsing: .unconditional, help: "Why; shown to those who ask.")
    var reason: String?

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .block(try await client.admin.resume(reason: reason))
    }
}
