import Logging

/// What a private redis-server has said, as far as it may tell why it ended.
struct RedisOutput: Sendable {
    private static let linesMax = 5
    /// What was said longer ago than this has nothing to do with the end.
    private static let recent = Duration.seconds(10)
    /// Said loudly at each start, whether something is wrong or not; the last is advice about the machine.
    private static let greetings = [
        "oO0OoO0OoO0Oo", "Redis version=", "Valkey version=", "Configuration loaded", "Server initialized",
        "Running mode=", "WARNING",
    ]

    /// Whether it has taken connections.
    private(set) var hasServed = false
    private var lines: [(text: String, at: ContinuousClock.Instant)] = []

    /// Takes a line; returns its text, and how loud it is.
    mutating func add(_ line: String, at now: ContinuousClock.Instant) -> (text: String, level: Logger.Level) {
        // A line of its log has the process, the time and a sign of how loud it is in front; what the shell says has none.
        let match = line.wholeMatch(of: /\d+:[A-Z] [^.*#]*[\d:]+\.\d+ ([.*#-]) (.*)/)
        let text = match.map { String($0.2) } ?? line
        if text.lowercased().contains("ready to accept connections") { hasServed = true }
        let isLoud = match.map { $0.1 == "#" } ?? true
        guard isLoud, !text.isEmpty, !RedisOutput.greetings.contains(where: text.contains) else {
            return (text, .debug)
        }
        lines = lines.suffix(RedisOutput.linesMax - 1) + [(text, now)]
        return (text, .warning)
    }

    /// The last of it that may say why the server ended at that time; empty where it said nothing of the kind.
    func lastWords(before end: ContinuousClock.Instant) -> String {
        lines.filter { $0.at > end - RedisOutput.recent }.map(\.text).joined(separator: " / ")
    }
}
