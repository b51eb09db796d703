public import Logging
import Synchronization

/// Keeps what was logged.
public final class LogRecorder: Sendable {
    /// A line of the log.
    public struct Line: Sendable {
        /// How loud it is.
        public var level: Logger.Level
        /// What it says.
        public var message: String
        /// What it says it of.
        public var metadata: String
    }

    private let kept = Mutex<[Line]>([])

    /// A log with nothing in it yet.
    public init() {}

    /// Everything that was logged so far.
    public var lines: [Line] { kept.withLock { $0 } }

    /// The lines that an operator sees.
    public var loud: [Line] { lines.filter { $0.level >= .info } }

    /// What a logger writes to it with.
    public var handler: any LogHandler { Handler(recorder: self) }

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
