import ClientCommands
import DMSModel
import Foundation

/// What a worker says on standard error: one line for each thing that happens.
struct WorkerLog: Sendable {
    var write: @Sendable (String) -> Void = { line in
        // Nobody reads it any more: that is no reason not to work.
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    func callAsFunction(_ text: String) { write("dms-submitter: \(PrintableText.line(text))\n") }

    func callAsFunction(_ task: TaskRecord, _ text: String) { self("task \(task.taskID): \(text)") }
}
