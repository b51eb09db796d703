import DMSModel
import Logging
import NIOCore

/// Tells the log of something that fails over and over: when it begins, once a minute while it lasts, and when it is over.
struct FailureLog {
    private static let interval = TimeAmount.minutes(1)

    private let logger: Logger
    private let level: Logger.Level
    private let failing: Logger.Message
    private let over: Logger.Message
    private var nextAt: NIODeadline?

    /// `failing` and `over` are what is said at the beginning and at the end.
    init(_ failing: Logger.Message, over: Logger.Message, level: Logger.Level = .warning, logger: Logger) {
        self.failing = failing
        self.over = over
        self.level = level
        self.logger = logger
    }

    /// It failed; while the link to Redis is down that is no news, since the link says so itself.
    mutating func failed(
        _ error: any Error, isLinkUp: Bool, metadata: Logger.Metadata = [:], now: NIODeadline = .now()
    ) {
        guard isLinkUp, nextAt.map({ $0 <= now }) ?? true else { return }
        nextAt = now + FailureLog.interval
        logger.log(level: level, failing, metadata: metadata.merging(["error": "\(error)"]) { $1 })
    }

    /// It succeeded.
    mutating func succeeded() {
        guard nextAt != nil else { return }
        nextAt = nil
        logger.notice(over)
    }
}
