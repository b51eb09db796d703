import DMSModel
public import ServerTLS

extension RESTServer {
    /// Where the REST door listens, and what it puts up with.
    public struct Configuration: Sendable {
        /// A name or an address.
        public var host: String
        /// 0 takes any free port, see ``RESTServer/address``.
        public var port: Int
        /// TLS of all connections; nil: they are plain.
        public var tls: ServerTLS?
        /// The hosts that requests may be for; others are refused, see ``KnownHosts``.
        public var hosts = KnownHosts()
        /// A larger body is answered with 413.
        public var bodyBytesMax = Limits.bodyBytesMax
        /// Connections at a time; one past it is refused.
        public var connectionsMax = Limits.Connections.httpMax
        /// Connections at a time from one address; 0: any number.
        public var connectionsPerAddressMax = 0
        /// Refused connections that are told so at a time; further ones are closed as they come.
        public var toldMax = Limits.Connections.toldMax
        /// How long a refused connection may take to ask for something, so that it is told; then it is closed.
        public var tellingTime = Limits.Connections.tellingTime
        /// Requests in a second on one connection, with as many at once; past it they are refused.
        ///
        /// 0: any number.
        public var requestsPerSecondMax = 0
        /// A new connection on which no whole head came for so long is closed, and one on which a head does not end.
        public var firstRequestTime = Limits.Connections.firstRequestTime
        /// A request whose body takes longer is answered with 408.
        public var requestTime = Limits.Connections.requestTime
        /// A client that takes nothing of what is sent to it for so long is cut off.
        public var unreadTime = Limits.Connections.unreadTime
        /// A connection on which nothing comes for so long between requests is closed.
        public var idleTime = Limits.Connections.httpIdleTime
        /// After a closing answer the client has so long to close as well.
        public var lingerTime = Limits.HTTP.lingeringTime
        /// What a client may still send of a request that was answered already, before it is cut off.
        public var discardedBytesMax = Limits.HTTP.discardedBytesMax

        /// By default on port 8000 of the loopback address; the limits have their defaults.
        public init(host: String = "127.0.0.1", port: Int = 8000) {
            self.host = host
            self.port = port
        }
    }
}
