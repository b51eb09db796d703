import Logging
import Synchronization

/// Keeps what was logged.
final class LogRecorder: Sendable {
    /// A line of the log.
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: String
    }

    private let kept = Mutex<[Line]>([])

    /// Everything that was logged so far.
    var lines: [Line] { kept.withLock { $0 } }

    /// The lines that an operator sees.
    var loud: [Line] { lines.filter { $0.level >= .info } }

    var handler: any LogHandler { Handler(recorder: self) }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            recorder.kept.withLock {
                $0.append(Line(level: event.level, message: "\(event.message)", metadata: "\(all)"))
            }
        }
    }
}
