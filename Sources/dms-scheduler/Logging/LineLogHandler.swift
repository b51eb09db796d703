import DMSModel
import Foundation
import Logging

/// Writes each log event as one line to standard error, as text or as a JSON object.
///
/// Everything that an event holds is escaped here, whoever logs it; see ``PrintableText``.
struct LineLogHandler: LogHandler {
    /// The names of a JSON line's own fields; metadata of such a name gets another.
    private static let ownKeys: Set<String> = ["time", "level", "logger", "message"]

    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    private let label: String
    private let format: Settings.LogFormat
    private let write: @Sendable (String) -> Void

    init(
        label: String, format: Settings.LogFormat,
        write: @escaping @Sendable (String) -> Void = LineLogHandler.writeToStandardError
    ) {
        self.label = label
        self.format = format
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        let fields = fields(of: event)
        switch format {
        case .text:
            let text = fields.map { " \(PrintableText.field($0.key))=\(PrintableText.field($0.value))" }.joined()
            write(
                "\(now) \(event.level) \(label):\(text) [\(event.source)] \(PrintableText.line("\(event.message)"))\n")
        case .json:
            let own = [
                ("time", "\(now)"), ("level", "\(event.level)"), ("logger", label), ("message", "\(event.message)"),
            ]
            let members = (own + fields).map { "\(PrintableText.json($0.0)):\(PrintableText.json($0.1))" }
            write("{\(members.joined(separator: ","))}\n")
        }
    }

    /// The metadata by its keys, no two of them the same and none a line's own.
    private func fields(of event: LogEvent) -> [(key: String, value: String)] {
        var all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
        if let error = event.error { all["error.message"] = "\(error)" }
        var taken = LineLogHandler.ownKeys
        return all.sorted { $0.key < $1.key }.map { key, value in
            var name = key
            while !taken.insert(name).inserted { name += "_" }
            return (name, "\(value)")
        }
    }

    /// Whoever read it may be gone; that must not end the scheduler.
    static func writeToStandardError(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }
}
