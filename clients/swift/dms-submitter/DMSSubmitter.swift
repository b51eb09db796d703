import ArgumentParser
import ClientCommands

/// The submitters' program.
@main
struct DMSSubmitter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dms-submitter",
        abstract: "Fetch tasks from the scheduler, and say what became of them.",
        usage: "dms-submitter <subcommand> [options]",
        discussion: """
            Examples:
              dms-submitter run --concurrency 4 --lease 30s -- ./move-files
              dms-submitter next
              dms-submitter next --max 10 --wait 30s --lease 5m --submitter-id worker-7 --json

            Environment: DMS_SERVER is where the scheduler is. DMS_SUBMITTER_TOKEN, or a file that \
            DMS_SUBMITTER_TOKEN_FILE names, is the token, where the scheduler wants one.

            An id that is -h, or begins with two dashes, goes behind --, as in: dms-submitter finish --error why -- --id TOKEN

            \(CommandStatus.help) And 3: there was no task.
            """,
        subcommands: [
            RunCommand.self, NextCommand.self, AckCommand.self, RenewCommand.self, ReturnCommand.self,
            FinishCommand.self,
        ], helpNames: CommandWords.helpNames)

    static func main() async { await ClientProgram.submitter.main(DMSSubmitter.self) }
}
