/// Time-outs and back-off of a connection.
public struct RedisOptions: Sendable, Equatable {
    /// Connecting and the handshake together may take this long.
    public var connectTimeout: Duration
    /// An answer may take this long; past that the connection is given up.
    public var commandTimeout: Duration
    /// The pause before the first new attempt to connect; it doubles with each, and is shortened by chance by up to half.
    public var backoffMin: Duration
    /// The longest such pause.
    public var backoffMax: Duration

    public init(
        connectTimeout: Duration = .seconds(2), commandTimeout: Duration = .seconds(5),
        backoffMin: Duration = .milliseconds(20), backoffMax: Duration = .seconds(2)
    ) {
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.backoffMin = backoffMin
        self.backoffMax = backoffMax
    }

    /// The pause before an attempt, counted from 0.
    func backoff(attempt: Int) -> Duration {
        let longest = min(backoffMax, backoffMin * (1 << min(attempt, 16)))
        return longest * Double.random(in: 0.5...1)
    }
}
