/// Where a Redis is and how to log in: `redis://[[user:]password@]host[:port][/database]` or
/// `unix://[[user:]password@]/path[?db=number]`.
///
/// User, password and path are percent-decoded; an IPv6 host stands in brackets. What stands alone before the @ is the
/// password, as `redis-cli -u` has it; `?db=number` names the database of `redis://` too.
public struct RedisURL: Sendable, Equatable {
    /// What to connect to.
    public enum Address: Sendable, Equatable {
        /// A name, or an IP address without brackets.
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    /// The TCP port where a URL names none.
    public static let defaultPort = 6379
    /// The most bytes that the path of a unix socket may have: the system's limit.
    public static let unixPathBytesMax = 107

    /// What to connect to.
    public var address: Address
    /// The ACL user; nil is the default user.
    public var user: String?
    /// What to log in with, percent-decoded; nil: no login.
    public var password: String?
    /// The database's number, from 0, the default.
    public var database: Int

    /// An address without going through a text.
    public init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    /// Reads a URL; throws where it is none that this module can follow.
    public init(_ text: String) throws(RedisURLError) {
        guard let mark = text.utf8Range(of: "://") else {
            throw RedisURLError("it begins with neither redis:// nor unix://")
        }
        let rest = text[mark.upperBound...]
        switch text[..<mark.lowerBound].lowercased() {
        case "redis": try self.init(afterRedis: rest)
        case "unix": try self.init(afterUnix: rest)
        case "rediss": throw RedisURLError("TLS (rediss://) is not supported yet")
        case "redis+sentinel": throw RedisURLError("Sentinel (redis+sentinel://) is not supported yet")
        case "redis+cluster": throw RedisURLError("Redis Cluster (redis+cluster://) is not supported yet")
        case let scheme: throw RedisURLError("the scheme \(scheme):// is neither redis:// nor unix://")
        }
    }

    private init(afterRedis rest: Substring) throws(RedisURLError) {
        guard !rest.utf8.contains(where: { $0 == UInt8(ascii: "#") }) else {
            throw RedisURLError("a # must be written %23")
        }
        let (beforeQuery, query) = rest.split(atFirst: "?")
        let (authority, path) = beforeQuery.split(atFirst: "/")
        let (credentials, hostAndPort) = Self.splitCredentials(authority)
        let address = try Self.tcpAddress(hostAndPort)
        let login = try Login(credentials)
        let database = try Self.database(path: path, query: query)
        self.init(address: address, user: login.user, password: login.password, database: database)
    }

    private init(afterUnix rest: Substring) throws(RedisURLError) {
        let (beforeQuery, query) = rest.split(atFirst: "?")
        guard let slash = beforeQuery.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            throw RedisURLError("the path of the unix socket is missing: unix:///path/to/socket")
        }
        let (credentials, host) = Self.splitCredentials(beforeQuery[..<slash])
        guard host.isEmpty else {
            throw RedisURLError("a unix socket has no host; its path begins with a third slash: unix:///path")
        }
        let path = try percentDecoded(beforeQuery[slash...], "the path")
        guard path.utf8.count > 1 else { throw RedisURLError("the path of the unix socket is empty") }
        guard path.utf8.count <= Self.unixPathBytesMax else {
            throw RedisURLError("the path of the unix socket has more than \(Self.unixPathBytesMax) bytes")
        }
        guard !path.utf8.contains(0) else { throw RedisURLError("the path of the unix socket contains a zero byte") }
        let login = try Login(credentials)
        let database = try Self.database(path: nil, query: query)
        self.init(address: .unix(path: path), user: login.user, password: login.password, database: database)
    }

    private static func splitCredentials(_ authority: Substring) -> (credentials: Substring?, host: Substring) {
        guard let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else { return (nil, authority) }
        return (authority[..<at], authority[authority.utf8.index(after: at)...])
    }

    private static func tcpAddress(_ text: Substring) throws(RedisURLError) -> Address {
        var host = text
        var port: Substring?
        let (bytes, colon) = (text.utf8, UInt8(ascii: ":"))
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw RedisURLError("a [ without its ]") }
            host = Substring(bytes[..<end].dropFirst())
            let rest = bytes[end...].dropFirst()
            guard rest.isEmpty || rest.first == colon else { throw RedisURLError("text between the ] and the port") }
            port = rest.isEmpty ? nil : Substring(rest.dropFirst())
            guard host.utf8.contains(colon) else {
                throw RedisURLError("what stands in brackets is no IPv6 address")
            }
        } else if let end = bytes.firstIndex(of: colon) {
            host = text[..<end]
            port = Substring(bytes[end...].dropFirst())
            if port?.utf8.contains(colon) == true { throw RedisURLError("an IPv6 address must stand in brackets") }
        }
        guard !host.isEmpty else { throw RedisURLError("the host is missing") }
        guard !host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || "%[]".utf8.contains($0) }) else {
            throw RedisURLError("the host contains a character that no host has")
        }
        guard let port else { return .tcp(host: String(host), port: defaultPort) }
        guard let number = decimal(port), (1...65_535).contains(number) else {
            throw RedisURLError("the port is not a number from 1 to 65535")
        }
        return .tcp(host: String(host), port: number)
    }

    /// The database, from the path of `redis://` or from `db=` in the query.
    private static func database(path: Substring?, query: Substring?) throws(RedisURLError) -> Int {
        var found: Substring? = path.flatMap { $0.isEmpty ? nil : $0 }
        if let query {
            let (name, value) = query.split(atFirst: "=")
            guard name == "db", let value else { throw RedisURLError("the query may only be db=number") }
            guard found == nil else { throw RedisURLError("the database is given twice") }
            found = value
        }
        guard let found else { return 0 }
        guard let number = decimal(found), number <= Int(Int32.max) else {
            throw RedisURLError("the database is not a number from 0")
        }
        return number
    }

    /// The value of digits only: `Int` would take a sign too.
    private static func decimal(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL with `***` in place of the password, so that it can be logged.
    public var description: String {
        let login = password == nil ? (user.map { "\($0)@" } ?? "") : "\(user ?? ""):***@"
        switch address {
        case .tcp(let host, let port):
            let host = host.contains(":") ? "[\(host)]" : host
            return "redis://\(login)\(host):\(port)/\(database)"
        case .unix(let path): return "unix://\(login)\(path)?db=\(database)"
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

/// `user:password`, `:password` or `password`, the forms that stand before the @.
private struct Login {
    var user: String?
    var password: String?

    init(_ credentials: Substring?) throws(RedisURLError) {
        guard let credentials else { return }
        let (first, second) = credentials.split(atFirst: ":")
        let user = second == nil ? "" : try percentDecoded(first, "the user")
        let password = try percentDecoded(second ?? first, "the password")
        guard !password.isEmpty else { throw RedisURLError("the password is empty") }
        self.user = user.isEmpty ? nil : user
        self.password = password
    }
}

private func percentDecoded(_ text: Substring, _ what: String) throws(RedisURLError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
            throw RedisURLError("\(what) has a % that is not followed by two hexadecimal digits")
        }
        bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
        throw RedisURLError("\(what) is not UTF-8")
    }
    return decoded
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

extension Substring {
    /// At a mark as a byte: a combining character behind it would make one `Character` of both.
    fileprivate func split(atFirst separator: Unicode.Scalar) -> (Substring, Substring?) {
        guard let index = utf8.firstIndex(of: UInt8(ascii: separator)) else { return (self, nil) }
        return (self[..<index], Substring(utf8[index...].dropFirst()))
    }
}

extension String {
    fileprivate func utf8Range(of text: String) -> Range<Index>? {
        var rest = utf8[...]
        while !rest.isEmpty {
            if rest.starts(with: text.utf8) {
                return rest.startIndex..<utf8.index(rest.startIndex, offsetBy: text.utf8.count)
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}
