import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel

/// The command `dms-submitter next`.
struct NextCommand: ClientCommand {
    static let program = ClientProgram.submitter

    static let configuration = CommandConfiguration(
        commandName: "next", abstract: "Fetch the next tasks: the most urgent first, the oldest of these first.",
        discussion: """
            What is fetched counts as dispatched and is not handed out again.

            Exit status: 0 at least one task was fetched; 3 none is queued: nothing is printed, or {"tasks":[]} with \
            --json; the others as in dms-submitter --help. After 75 a task may have been handed out that nobody got.
            """)

    @Option(help: "How many tasks to fetch at most, from 1 to \(Limits.nextTasksMax).")
    var max: UInt32 = 1

    @Option(help: ArgumentHelp("Who fetches; kept with the task.", valueName: "id"))
    var submitterID = ""

    @OptionGroup var connection: ConnectionFlags

    func validate() throws {
        guard (1...UInt32(Limits.nextTasksMax)).contains(max) else {
            throw ValidationError("--max must be from 1 to \(Limits.nextTasksMax).")
        }
    }

    func perform(with client: DMSClient) async throws -> CommandReport {
        .fetched(try await client.submitter.next(NextRequest(maxTasks: max, submitterID: submitterID)))
    }
}
