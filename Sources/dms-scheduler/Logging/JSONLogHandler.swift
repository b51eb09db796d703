import DMSModel
import Foundation
import Logging
import NIOCore

/// Writes each log event as one JSON object a line to standard error.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    private let label: String

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        var line = ByteBuffer(string: "{\"time\":\"\(now)\",\"level\":\"\(event.level)\",\"logger\":")
        JSONString.write(label, into: &line)
        line.writeString(",\"message\":")
        JSONString.write("\(event.message)", into: &line)
        let all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line.writeString(",")
            JSONString.write(key, into: &line)
            line.writeString(":")
            JSONString.write("\(value)", into: &line)
        }
        line.writeString("}\n")
        // Whoever read the log may be gone; that must not end the scheduler.
        try? FileHandle.standardError.write(contentsOf: Data(line.readableBytesView))
    }
}
