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
        /// A larger body is answered with 413.
        public var bodyBytesMax = Limits.bodyBytesMax
        /// Open connections; further ones wait in the kernel's backlog until one closes.
        public var connectionsMax = 10_000
        /// A connection on which nothing comes for so long, between requests or inside one, is closed.
        public var idleTime: Duration = .seconds(75)
        /// After a closing answer the client has so long to close as well.
        public var lingerTime: Duration = .seconds(2)
        /// What a client may still send of a request that was answered already, before it is cut off.
        public var discardedBytesMax = 16 << 20

        /// By default on port 8000 of the loopback address; the limits have their defaults.
        public init(host: String = "127.0.0.1", port: Int = 8000) {
            self.host = host
            self.port = port
        }
    }
}
