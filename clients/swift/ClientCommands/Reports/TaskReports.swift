public import DMSModel
import NIOCore

extension CommandReport {
    /// One task.
    public static func task(_ record: TaskRecord) -> CommandReport {
        CommandReport(text: table(of: record).text) { record.writeJSON(into: &$0) }
    }

    /// A task, where it stands, and how many are queued.
    public static func summary(_ summary: TaskSummary) -> CommandReport {
        var table = table(of: summary.record)
        if let position = summary.queuePosition {
            table.add(
                "Position",
                """
                \(position.positionInPriority) in \(position.priority.rawValue), \
                \(position.globalPosition) of \(summary.overview.total) in all
                """)
        }
        return CommandReport(text: table.text) { summary.writeJSON(into: &$0) }
    }

    /// Tasks that were fetched; none at all has an exit status of its own.
    public static func fetched(_ answer: NextAnswer) -> CommandReport {
        let text = answer.tasks.map { table(of: $0).text }.joined(separator: "\n\n")
        return CommandReport(text: text, status: answer.tasks.isEmpty ? .noTask : .success) { json in
            json.writeStaticString("{\"tasks\":[")
            for (index, task) in answer.tasks.enumerated() {
                if index > 0 { json.writeStaticString(",") }
                json.writeStaticString("{\"record\":")
                task.writeJSON(into: &json)
                json.writeStaticString("}")
            }
            json.writeStaticString("]}")
        }
    }

    private static func table(of record: TaskRecord) -> Table {
        var table = Table()
        table.add("Task", PrintableText.line(record.taskID.text))
        table.add("Service", PrintableText.line(record.service))
        table.add("User", PrintableText.line(record.userID))
        table.add("Priority", record.priority.rawValue)
        table.add("Status", record.status.rawValue)
        table.add("Enqueued", "\(record.enqueuedAt)")
        table.add("Updated", "\(record.updatedAt)")
        if record.attempt > 0 { table.add("Attempt", "\(record.attempt)") }
        if !record.submitterID.isEmpty { table.add("Submitter", PrintableText.line(record.submitterID)) }
        table.add("Parameters", PrintableText.json(String(buffer: record.parameters)))
        if let result = record.result { table.add("Result", PrintableText.json(String(buffer: result))) }
        if let error = record.error { table.add("Error", PrintableText.line(error)) }
        return table
    }
}
