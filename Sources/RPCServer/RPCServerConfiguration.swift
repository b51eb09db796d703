public import ServerTLS

/// Where the binary door listens, and how long it takes to close.
public struct RPCServerConfiguration: Sendable {
    /// The TCP address to listen on: a name or a number.
    public var host: String
    /// The TCP port; 0 takes any that is free.
    public var port: Int
    /// The path of a unix socket to listen on beside TCP; nil: none.
    public var socketPath: String?
    /// TLS of the connections over TCP; nil: they are plain, as those over the unix socket always are.
    public var tls: ServerTLS?
    /// How long a shutdown waits for the calls in flight.
    public var drain: Duration
    /// Connections at a time, over all sockets; one past it is closed as soon as it comes.
    public var connectionsMax: Int
    /// What one connection may do at most.
    public var limits: ConnectionLimits

    /// By default TCP on port 8001 of the loopback address, no unix socket, and 20 seconds to drain.
    public init(
        host: String = "127.0.0.1", port: Int = 8001, socketPath: String? = nil, tls: ServerTLS? = nil,
        drain: Duration = .seconds(20), connectionsMax: Int = 16_384, limits: ConnectionLimits = ConnectionLimits()
    ) {
        self.host = host
        self.port = port
        self.socketPath = socketPath
        self.tls = tls
        self.drain = drain
        self.connectionsMax = connectionsMax
        self.limits = limits
    }
}

/// What one connection may do at most; sizes in bytes.
public struct ConnectionLimits: Sendable {
    /// Calls in flight; past it the server stops reading from the connection.
    public var openStreamsMax = 1024
    /// Calls that wait for a task, which are counted apart; past it they are refused.
    public var parkedStreamsMax = 4096
    /// Answers that wait to be sent; past it the server stops reading until the client has taken some.
    public var unsentBytesMax = 1 << 20
    /// A ping's data; longer ones are ignored.
    public var pingBytesMax = 64
    /// Pings in a second; a client that passes it for ``pingSecondsMax`` seconds is sent away.
    public var pingsPerSecondMax = 100
    /// How many seconds in a row a client may send too many pings.
    public var pingSecondsMax = 10
    /// How long the calls in flight may go on where the server closes a connection; past it they are given up.
    public var finishing = Duration.seconds(5)
    /// How long the client of a connection that the server closes may take to read what is due.
    public var flushing = Duration.seconds(10)
    /// How long a connection that the server closes may take to be closed by its client too.
    public var lingering = Duration.seconds(1)

    /// The limits that a server has unless it is told others.
    public init() {}
}
