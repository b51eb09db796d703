import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel
import Foundation
import NIOCore

/// The command `dms-admin submit`.
struct SubmitCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Submit a task.",
        discussion: """
            Examples:
              dms-admin submit --service thumbnails --user anna --parameters '{"page": 1}'
              dms-admin submit --service thumbnails --user anna --parameters @job.json
              make-job | dms-admin submit --service thumbnails --user anna --parameters -

            The scheduler keeps the parameters byte for byte. Priorities above low need the operator token.
            """)

    @Option(parsing: .unconditional, help: ArgumentHelp("The new task's id. (default: a random UUID)"))
    var id: String?

    @Option(parsing: .unconditional, help: "The service that is to do the task.")
    var service: String

    @Option(parsing: .unconditional, help: "The user that the task is for.")
    var user: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The parameters: a JSON object, @ and the path of a file that holds it, or - for standard input.",
            valueName: "json|@file|-"))
    var parameters = "{}"

    @Option(parsing: .unconditional, help: "How urgent the task is.")
    var priority = Priority.low

    @OptionGroup var connection: ConnectionFlags

    func perform(with client: DMSClient) async throws -> CommandReport {
        let submission = TaskSubmission(
            taskID: TaskID(id ?? UUID().uuidString.lowercased()), service: service, userID: user,
            parameters: try readParameters(), priority: priority)
        return .task(try await client.tasks.enqueue(submission))
    }

    private func readParameters() throws(UsageError) -> ByteBuffer {
        // Files may end in white space that is no part of the object; the limit itself is the server's to judge.
        try InputFile.text(parameters, bytesMax: Limits.frameDataBytesMax)
    }
}
