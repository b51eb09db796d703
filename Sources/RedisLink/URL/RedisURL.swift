/// Where a Redis is and how to log in.
///
/// | | |
/// |---|---|
/// | `redis://[[user:]password@]host[:port][/database]` | one server, or a proxy in front of several |
/// | `unix://[[user:]password@]/path[?db=number]` | the same on a unix socket |
/// | `redis+sentinel://[[user:]password@]host[:port],…/master[/database]` | the master of that name, as the sentinels say |
/// | `redis+cluster://[[user:]password@]host[:port],…` | the node of a Redis Cluster that holds our keys |
///
/// `rediss` in place of `redis` is the same over TLS; see ``RedisTLS`` for its parameters. With Sentinel `?sentinel_user=`
/// and `?sentinel_password=` log in at the sentinels. With Sentinel and Cluster `?role=replica` asks for a replica.
/// User, password, path and parameters are percent-decoded; an IPv6 host stands in brackets. What stands alone before the @
/// is the password, as `redis-cli -u` has it; `?db=number` names the database, too.
public struct RedisURL: Sendable, Equatable {
    /// A server's address.
    public enum Address: Sendable, Hashable {
        /// A name, or an IP address without brackets.
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    /// What to connect to.
    public enum Servers: Sendable, Equatable {
        case one(Address)
        /// The master of a name, or one of its replicas, wherever the sentinels say that it is.
        case sentinel(RedisSentinels)
        /// The node that holds a key; these are asked which one it is.
        case cluster([Address])
    }

    /// The TCP port where a URL names none.
    public static let defaultPort = 6379
    /// The TCP port of a sentinel where a URL names none.
    public static let defaultSentinelPort = 26_379
    /// The most bytes that the path of a unix socket may have: the system's limit.
    public static let unixPathBytesMax = 107

    /// What to connect to.
    public var servers: Servers
    /// The ACL user; nil is the default user.
    public var user: String?
    /// What to log in with, percent-decoded; nil: no login.
    public var password: String?
    /// The database's number, from 0, the default.
    public var database: Int
    /// How connections are encrypted; nil: they are not.
    public var tls: RedisTLS?
    /// Which of several servers to read from; nil where the URL does not say.
    public var role: RedisRole?

    /// One server, without going through a text.
    public init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.init(servers: .one(address), user: user, password: password, database: database)
    }

    /// Servers without going through a text.
    public init(
        servers: Servers, user: String? = nil, password: String? = nil, database: Int = 0, tls: RedisTLS? = nil,
        role: RedisRole? = nil
    ) {
        self.servers = servers
        self.user = user
        self.password = password
        self.database = database
        self.tls = tls
        self.role = role
    }

    /// Whether it leads to a Redis Cluster, where all keys have to be in one slot.
    public var isCluster: Bool {
        if case .cluster = servers { return true }
        return false
    }
}

/// The sentinels that know where a master is.
public struct RedisSentinels: Sendable, Equatable {
    /// Where they listen; at least one.
    public var addresses: [RedisURL.Address]
    /// What they call the master.
    public var master: String
    /// The ACL user at the sentinels; nil is the default user.
    public var user: String?
    /// What to log in at the sentinels with; nil: no login.
    public var password: String?

    /// Sentinels without going through a text.
    public init(addresses: [RedisURL.Address], master: String, user: String? = nil, password: String? = nil) {
        self.addresses = addresses
        self.master = master
        self.user = user
        self.password = password
    }
}

/// What a server has to be.
public enum RedisRole: String, Sendable {
    /// The one that takes writes.
    case master
    /// One that follows the master, where there is one; otherwise the master.
    case replica
}

extension RedisURL.Address: CustomStringConvertible {
    /// `host:port` or the path.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL with `***` in place of the password and without the parameters of TLS, so that it can be logged.
    public var description: String {
        let login = password == nil ? (user.map { "\($0)@" } ?? "") : "\(user ?? ""):***@"
        let scheme = tls == nil ? "redis" : "rediss"
        let role = role.map { "?role=\($0.rawValue)" } ?? ""
        switch servers {
        case .one(.unix(let path)): return "unix://\(login)\(path)?db=\(database)"
        case .one(let address): return "\(scheme)://\(login)\(address)/\(database)"
        case .sentinel(let sentinels):
            let list = sentinels.addresses.map(\.description).joined(separator: ",")
            return "\(scheme)+sentinel://\(login)\(list)/\(sentinels.master)/\(database)\(role)"
        case .cluster(let nodes):
            return "\(scheme)+cluster://\(login)\(nodes.map(\.description).joined(separator: ","))\(role)"
        }
    }

    /// See ``description``: no password here either.
    public var debugDescription: String { description }
    /// The description as the only child, so that a dump shows no password.
    public var customMirror: Mirror { Mirror(self, children: [("url", description)]) }
}

/// Why a text is no URL of a Redis; the text itself is not in it, for it may hold a password.
public struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the text; a sentence for people.
    public let description: String

    init(_ description: String) { self.description = "this is no URL of a Redis: \(description)" }
}
