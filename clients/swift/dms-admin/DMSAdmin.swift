import ArgumentParser
import ClientCommands

/// The operators' program.
@main
struct DMSAdmin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dms-admin",
        abstract: "Look at the scheduler's queues and tasks, and steer them.",
        usage: "dms-admin <subcommand> [options]",
        discussion: """
            Examples:
              dms-admin stats
              dms-admin submit --service thumbnails --user anna --parameters '{"page": 1}'
              dms-admin task 5f0c2a9e --json
              dms-admin list --status failed --newest-first --limit 20
              dms-admin priority 5f0c2a9e high
              dms-admin block --reason 'maintenance until noon'

            Environment: DMS_SERVER is where the scheduler is. DMS_OPERATOR_TOKEN, or a file that \
            DMS_OPERATOR_TOKEN_FILE names, is the token that the scheduler wants for priorities above low, for \
            priority, block, resume and block-state, and for cancelling what is not one's own.

            An id that is -h, or begins with two dashes, goes behind --, as in: dms-admin task -- --id

            \(CommandStatus.help)
            """,
        subcommands: [
            StatsCommand.self, OverviewCommand.self, ListCommand.self, TaskCommand.self, SubmitCommand.self,
            CancelCommand.self, PriorityCommand.self, BlockCommand.self, ResumeCommand.self, BlockStateCommand.self,
            HealthCommand.self,
        ], helpNames: CommandWords.helpNames)

    static func main() async { await ClientProgram.admin.main(DMSAdmin.self) }
}

/// A command of this program.
protocol AdminCommand: ClientCommand {}

extension AdminCommand {
    static var program: ClientProgram { .admin }
}
