import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel

/// The command `dms-admin stats`.
struct StatsCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show the counters since the beginning, and the queues as they are now.")

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .statistics(try await client.tasks.stats())
    }
}

/// The command `dms-admin overview`.
struct OverviewCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "overview", abstract: "Show how many tasks are queued, by priority.")

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .overview(try await client.tasks.overview())
    }
}

/// The command `dms-admin task ID`.
struct TaskCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Show a task and, while it is queued, where it stands.")

    @Argument(help: ArgumentHelp("The task's id.", valueName: "id"))
    var id: String

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .summary(try await client.tasks.get(TaskID(id)))
    }
}

/// The command `dms-admin block-state`.
struct BlockStateCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "block-state", abstract: "Show whether new submissions are blocked, and why.",
        discussion: "Needs the operator token.")

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .block(try await client.admin.blockState())
    }
}

/// The command `dms-admin health`.
struct HealthCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask whether the scheduler serves.",
        discussion: "Exits with 0 only where the answer is SERVING, as container health checks want it.")

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A service by its full name, such as dms.v1.Submitter. (default: all)"))
    var service = ""

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        .health(try await client.health.check(service: service))
    }
}
