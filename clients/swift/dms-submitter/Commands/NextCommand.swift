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
            What is fetched counts as dispatched and is not handed out again; with --lease it is, unless the lease is renewed \
            or acknowledged, or the task returned or finished, before the lease ends.

            Exit status: 0 at least one task was fetched; 3 none is queued: nothing is printed, or {"tasks":[]} with \
            --json; the others as in dms-submitter --help. After 75 a task may have been handed out that nobody got. With 74, when \
            standard output cannot be written, tasks under a lease are given back, and the ids of others are told on standard \
            error.
            """)

    @Option(parsing: .unconditional, help: "How many tasks to fetch at most, from 1 to \(Limits.nextTasksMax).")
    var max = 1

    @Option(
        parsing: .unconditional, help: ArgumentHelp("How long to wait for a task, up to 10m.", valueName: "time"),
        transform: {
            try TimeArgument($0, milliseconds: 0...Limits.nextWaitMillisecondsMax, "of at most 10m")
        })
    var wait: TimeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a lease the tasks come under, from 1s to 24h; none by default.", valueName: "time"),
        transform: { try LeaseTime.read($0) })
    var lease: TimeArgument?

    @Option(parsing: .unconditional, help: ArgumentHelp("Who fetches; kept with the task.", valueName: "id"))
    var submitterID = ""

    @OptionGroup var connection: ConnectionFlags

    func validate() throws {
        guard (1...Limits.nextTasksMax).contains(max) else {
            throw ValidationError("--max must be from 1 to \(Limits.nextTasksMax).")
        }
    }

    func perform(with client: DMSClient) async throws -> CommandReport {
        let answer = try await client.submitter.next(
            NextRequest(
                maxTasks: UInt32(max), waitMilliseconds: wait?.milliseconds ?? 0,
                leaseMilliseconds: lease?.milliseconds ?? 0, submitterID: submitterID))
        var report = CommandReport.fetched(answer)
        if !answer.tasks.isEmpty { report.whenLost = { await NextCommand.giveBack(answer.leasedTasks, to: client) } }
        return report
    }

    /// Returns tasks that nobody has seen to their queues, and names those that stay dispatched.
    ///
    /// The last one goes first, so that they come to stand at the head of their queue as they did.
    private static func giveBack(_ tasks: [LeasedTask], to client: DMSClient) async -> String {
        var kept: [TaskID] = []
        for task in tasks.reversed() {
            // Without a lease there is no way back; and where one return fails for the connection's sake, so would the next.
            guard !task.leaseToken.isEmpty, kept.isEmpty,
                (try? await client.submitter.return(
                    LeaseReference(taskID: task.record.taskID, token: task.leaseToken),
                    reason: "dms-submitter next could not print it")) != nil
            else {
                kept.insert(task.record.taskID, at: 0)
                continue
            }
        }
        if kept.isEmpty { return "The tasks went back to their queues" }
        let ids = kept.map { PrintableText.line($0.text) }.joined(separator: " ")
        return tasks.contains { $0.leaseToken.isEmpty }
            ? "These tasks stay dispatched until dms-submitter finish ends them: \(ids)"
            : "These tasks go back to their queues when their lease ends: \(ids)"
    }
}

/// What `--lease` may be.
enum LeaseTime {
    private static let range = Limits.leaseMillisecondsMin...Limits.leaseMillisecondsMax

    static func read(_ text: String) throws -> TimeArgument {
        try TimeArgument(text, milliseconds: range, "from 1s to 24h")
    }
}
