public import DMSModel
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
    /// Connections at a time, over all sockets; one past it is refused.
    public var connectionsMax: Int
    /// Connections at a time from one address; 0: any number.
    public var connectionsPerAddressMax = 0
    /// Refused connections that are told so at a time; further ones are closed as they come.
    public var toldMax = Limits.Connections.toldMax
    /// What one connection may do at most.
    public var limits: ConnectionLimits

    /// By default TCP on port 8001 of the loopback address, no unix socket, and 20 seconds to drain.
    public init(
        host: String = "127.0.0.1", port: Int = 8001, socketPath: String? = nil, tls: ServerTLS? = nil,
        drain: Duration = .seconds(20), connectionsMax: Int = Limits.Connections.rpcMax,
        limits: ConnectionLimits = ConnectionLimits()
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
    public var openStreamsMax = Limits.RPC.openStreamsMax
    /// Calls in flight whose answers hold tasks, which may be of any size; past it the server stops reading, too.
    public var bulkStreamsMax = Limits.RPC.bulkStreamsMax
    /// Calls that wait for a task, which are counted apart; past it they are refused.
    public var parkedStreamsMax = Limits.RPC.parkedStreamsMax
    /// Answers that wait to be sent; past it the server stops reading until the client has taken some.
    public var unsentBytesMax = Limits.RPC.unsentBytesMax
    /// Requests of calls in flight together; past it the server stops reading, too.
    public var openRequestBytesMax = Limits.RPC.openRequestBytesMax
    /// Calls in a second, with as many at once; past it they are refused.
    ///
    /// 0: any number.
    public var requestsPerSecondMax = 0
    /// A ping's data; longer ones are ignored.
    public var pingBytesMax = Limits.RPC.pingBytesMax
    /// Pings in a second; a client that passes it for ``pingSecondsMax`` seconds is sent away.
    public var pingsPerSecondMax = Limits.RPC.pingsPerSecondMax
    /// How many seconds in a row a client may send too many pings.
    public var pingSecondsMax = Limits.RPC.pingSecondsMax
    /// How long a connection may take until its first whole frame is there; past it it is closed.
    public var firstRequestTime = Limits.Connections.firstRequestTime
    /// How long a frame that was begun may take, without another frame in between; past it the connection is closed.
    public var requestTime = Limits.Connections.requestTime
    /// How long a client may take nothing of what is sent; past it its connection is closed, and its tasks go back.
    public var unreadTime = Limits.Connections.unreadTime
    /// How long a connection without a call in flight may ask for nothing; past it it is sent away.
    ///
    /// Nil: for ever.
    public var idleTime: Duration? = Limits.Connections.rpcIdleTime
    /// How long a connection that is refused may take to ask for something, so that it is told; then it is closed.
    public var tellingTime = Limits.Connections.tellingTime
    /// How long the calls in flight may go on where the server closes a connection; past it they are given up.
    public var finishing = Limits.RPC.finishingTime
    /// How long the client of a connection that the server closes may take to read what is due.
    public var flushing = Limits.RPC.flushingTime
    /// How long a connection that the server closes may take to be closed by its client too.
    public var lingering = Limits.RPC.lingeringTime

    /// The limits that a server has unless it is told others.
    public init() {}
}
