public import DMSModel
import NIOCore

extension CommandReport {
    /// Tasks one a line, and where they go on.
    public static func list(_ page: TaskPage) -> CommandReport {
        let head = ["TASK", "STATUS", "PRIORITY", "ENQUEUED", "SERVICE", "USER"]
        let rows = page.tasks.map { task in
            [
                PrintableText.line(task.taskID.text), task.status.rawValue, task.priority.rawValue,
                "\(task.enqueuedAt)", PrintableText.line(task.service), PrintableText.line(task.userID),
            ]
        }
        var lines = page.tasks.isEmpty ? [] : aligned([head] + rows)
        if !page.nextPageToken.isEmpty {
            lines.append("There may be more: --cursor \(ShellWord.quoted(page.nextPageToken))")
        }
        return CommandReport(text: lines.joined(separator: "\n")) { page.writeJSON(into: &$0) }
    }

    /// Every column but the last as wide as its widest cell.
    private static func aligned(_ rows: [[String]]) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }
    }
}
