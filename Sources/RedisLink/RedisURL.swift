/// Where a Redis is, and as whom to speak to it.
///
/// `redis://[user:password@]host[:port][/db]` or `unix://[user:password@]/path[?db=0]`; user, password, host and path are
/// percent-decoded, and an IPv6 host stands in brackets.
public struct RedisURL: Sendable, Equatable {
    /// What to connect to.
    public enum Address: Sendable, Equatable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public var address: Address
    /// Nil: Redis's default user.
    public var user: String?
    public var password: String?
    public var database: Int

    private static let portDefault = 6379
    private static let socketPathBytesMax = 107

    public init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    /// Reads a URL; throws a sentence about what is wrong with it, which never holds the password.
    public init(_ text: String) throws(RedisURLError) {
        guard let mark = text.firstRange(of: "://") else {
            throw RedisURLError("a URL like redis://host:6379/0 is needed")
        }
        let scheme = text[..<mark.lowerBound].lowercased()
        var rest = text[mark.upperBound...]
        switch scheme {
        case "redis", "unix": break
        case "rediss", "redis+sentinel", "redis+cluster":
            throw RedisURLError("\(scheme):// is not supported yet; use redis:// or unix://")
        default: throw RedisURLError("'\(scheme)://' is not known; use redis:// or unix://")
        }
        guard !rest.contains("#") else { throw RedisURLError("a fragment (#) means nothing here; write %23") }
        (user, password) = try RedisURL.takeCredentials(&rest)
        database = 0
        if scheme == "unix" {
            let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let path = try RedisURL.decoded(parts[0])
            guard path.hasPrefix("/"), path.utf8.count > 1, path.utf8.count <= RedisURL.socketPathBytesMax else {
                throw RedisURLError("an absolute path of at most \(RedisURL.socketPathBytesMax) bytes is needed")
            }
            address = .unix(path: path)
            if parts.count == 2 { database = try RedisURL.databaseQuery(parts[1]) }
        } else {
            guard !rest.contains("?") else { throw RedisURLError("a query (?) means nothing in a redis:// URL") }
            let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            address = try RedisURL.endpoint(parts[0])
            if parts.count == 2, !parts[1].isEmpty { database = try RedisURL.number(parts[1]) }
        }
    }

    private static func takeCredentials(
        _ rest: inout Substring
    ) throws(RedisURLError) -> (user: String?, password: String?) {
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let mark = authority.lastIndex(of: "@") else { return (nil, nil) }
        let parts = authority[..<mark].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        rest = rest[authority.index(after: mark)...]
        let user = try decoded(parts[0])
        guard parts.count == 2 else { throw RedisURLError("a user needs a password: user:password@") }
        return (user.isEmpty ? nil : user, try decoded(parts[1]))
    }

    private static func endpoint(_ text: Substring) throws(RedisURLError) -> Address {
        var host = text
        var port = portDefault
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw RedisURLError("the host's bracket is not closed") }
            host = text[text.index(after: text.startIndex)..<end]
            let behind = text[text.index(after: end)...]
            guard behind.isEmpty || behind.hasPrefix(":") else {
                throw RedisURLError("'\(behind)' behind the host means nothing")
            }
            if !behind.isEmpty { port = try portNumber(behind.dropFirst()) }
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            guard !host.contains(":") else { throw RedisURLError("an IPv6 host needs brackets: [::1]") }
            port = try portNumber(text[text.index(after: colon)...])
        }
        guard !host.isEmpty else { throw RedisURLError("a host is missing") }
        return .tcp(host: try decoded(host), port: port)
    }

    private static func portNumber(_ text: Substring) throws(RedisURLError) -> Int {
        guard let port = Int(text), (1...65_535).contains(port) else {
            throw RedisURLError("'\(text)' is not a port from 1 to 65535")
        }
        return port
    }

    private static func databaseQuery(_ query: Substring) throws(RedisURLError) -> Int {
        guard query.hasPrefix("db=") else { throw RedisURLError("'?\(query)' means nothing; only ?db=0 does") }
        return try number(query.dropFirst(3))
    }

    private static func number(_ text: Substring) throws(RedisURLError) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
            throw RedisURLError("'\(text)' is not the number of a database")
        }
        return number
    }

    private static func decoded(_ text: Substring) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw RedisURLError("a % must be followed by two hexadecimal digits")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw RedisURLError("what is percent-encoded must be UTF-8")
        }
        return decoded
    }
}

extension RedisURL: CustomStringConvertible {
    /// The URL without user and password.
    public var description: String {
        switch address {
        case .tcp(let host, let port): "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        }
    }
}

/// What is wrong with a ``RedisURL``'s text.
public struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}
