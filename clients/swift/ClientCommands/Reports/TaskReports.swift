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
        let text = answer.leasedTasks.map { task in
            var table = table(of: task.record)
            if !task.leaseToken.isEmpty { table.add("Lease token", PrintableText.line(task.leaseToken)) }
            if let end = task.leaseExpiresAt { table.add("Lease ends", "\(end)") }
            return table.text
        }.joined(separator: "\n\n")
        return CommandReport(text: text, status: answer.tasks.isEmpty ? .noTask : .success) { json in
            json.writeStaticString("{\"tasks\":[")
            for (index, task) in answer.leasedTasks.enumerated() {
                if index > 0 { json.writeStaticString(",") }
                json.writeStaticString("{\"record\":")
                task.record.writeJSON(into: &json)
                if !task.leaseToken.isEmpty {
                    json.writeStaticString(",\"lease_token\":")
                    JSONString.write(task.leaseToken, into: &json)
                }
                if let end = task.leaseExpiresAt { json.writeString(",\"lease_expires_at\":\"\(end)\"") }
                json.writeStaticString("}")
            }
            json.writeStaticString("]}")
        }
    }

    /// What became of one lease.
    public static func lease(_ outcome: LeaseOutcome) -> CommandReport {
        var table = Table()
        table.add("Task", PrintableText.line(outcome.taskID.text))
        table.add("Canceled", outcome.isCanceled ? "yes" : "no")
        table.add("Lease ends", outcome.leaseExpiresAt.map { "\($0)" } ?? "never: there is none")
        return CommandReport(text: table.text) { json in
            json.writeStaticString("{\"task_id\":")
            JSONString.write(outcome.taskID.text, into: &json)
            json.writeString(",\"canceled\":\(outcome.isCanceled)")
            json.writeString(",\"lease_expires_at\":\(outcome.leaseExpiresAt.map { "\"\($0)\"" } ?? "null")}")
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
        if let error = record.error { table.add("Error", PrintableText.lines(error)) }
        return table
    }
}
