import ClientCommands
import DMSModel
import Foundation

/// What a worker says on standard error: one line for each thing that happens.
struct WorkerLog: Sendable {
    var write: @Sendable (String) -> Void = { line in
        // Nobody reads it any more: that is no reason not to work.
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    /// How much of a text of many lines is shown: its beginning, and more of its end.
    private static let headMax = 100
    private static let tailMax = 200

    func callAsFunction(_ text: String) {
        let line = PrintableText.lines(text).filter { !$0.isEmpty }.joined(separator: "; ")
        write("dms-submitter: \(line.replacing(":; ", with: ": "))\n")
    }

    func callAsFunction(_ task: TaskRecord, _ text: String) { self("task \(task.taskID): \(text)") }

    /// A text that may be long, without its middle.
    static func shortened(_ text: String) -> String {
        guard text.count > headMax + tailMax else { return text }
        return "\(text.prefix(headMax)) … \(text.suffix(tailMax))"
    }
}
