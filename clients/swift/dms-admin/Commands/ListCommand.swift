import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel

/// The command `dms-admin list`.
struct ListCommand: AdminCommand {
    private static let pageMax = 1000

    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List tasks, oldest first.",
        discussion: "Where more than --limit tasks are there, the last line says how to go on behind them.")

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only tasks of this status; may be given several times.", valueName: "status"))
    var status: [TaskStatus] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only tasks of this priority; may be given several times.", valueName: "priority"))
    var priority: [Priority] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("Only tasks of this service.", valueName: "name"))
    var service = ""

    @Option(parsing: .unconditional, help: ArgumentHelp("Only tasks of this user.", valueName: "name"))
    var user = ""

    @Option(parsing: .unconditional, help: ArgumentHelp("How many tasks at most.", valueName: "number"))
    var limit = 100

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Go on where an earlier list with the same filters ended.", valueName: "cursor"))
    var cursor = ""

    @Flag(help: "Turn the order round.")
    var newestFirst = false

    @OptionGroup var connection: ConnectionFlags

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit has to be 1 or more") }
    }

    func perform(with client: DMSClient) async throws -> CommandReport {
        var found = TaskPage(tasks: [], nextPageToken: cursor)
        repeat {
            let query = TaskQuery(
                pageSize: UInt32(min(limit - found.tasks.count, ListCommand.pageMax)), pageToken: found.nextPageToken,
                statuses: status, priorities: priority, service: service, userID: user, newestFirst: newestFirst)
            let page = try await client.tasks.list(query)
            found.tasks += page.tasks
            found.nextPageToken = page.nextPageToken
        } while found.tasks.count < limit && !found.nextPageToken.isEmpty
        return .list(found)
    }
}
