/// How long a link waits, and for what.
public struct RedisOptions: Sendable, Equatable {
    /// For a connection and its handshake together.
    public var connectTimeout: Duration
    /// For the answer to a command, from the moment it was handed to the socket.
    public var commandTimeout: Duration
    /// Before the first attempt to connect again; doubles with each, less a random part.
    public var backoffMin: Duration
    /// At most before an attempt to connect again.
    public var backoffMax: Duration
    /// Between the pings on a connection, which nobody on the way takes for abandoned so, and which is left when none is answered.
    public var pingInterval: Duration
    /// How many replicas have to confirm what was written before its answer counts; 0: none is waited for.
    public var minReplicas: Int
    /// For these confirmations, from the moment that Redis has written.
    public var replicaTimeout: Duration

    /// By default 2 s to connect, 5 s for an answer, 20 ms to 2 s between attempts to connect, 5 s between pings, and no replica is
    /// waited for.
    public init(
        connectTimeout: Duration = .seconds(2), commandTimeout: Duration = .seconds(5),
        backoffMin: Duration = .milliseconds(20), backoffMax: Duration = .seconds(2),
        pingInterval: Duration = .seconds(5), minReplicas: Int = 0, replicaTimeout: Duration = .seconds(1)
    ) {
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.backoffMin = backoffMin
        self.backoffMax = backoffMax
        self.pingInterval = pingInterval
        self.minReplicas = minReplicas
        self.replicaTimeout = replicaTimeout
    }
}
