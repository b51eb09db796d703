extension RedisURL {
    /// Reads a URL; throws where it is none that this module can follow.
    public init(_ text: String) throws(RedisURLError) {
        let (scheme, behind) = text.split(atFirst: "://")
        guard let rest = behind else { throw RedisURLError("it begins with neither redis:// nor unix://") }
        var parts = try RedisURLParts(rest)
        switch scheme.lowercased() {
        case "redis": try self.init(one: &parts, isEncrypted: false)
        case "rediss": try self.init(one: &parts, isEncrypted: true)
        case "unix": try self.init(unix: &parts)
        case "redis+sentinel": try self.init(sentinel: &parts, isEncrypted: false)
        case "rediss+sentinel": try self.init(sentinel: &parts, isEncrypted: true)
        case "redis+cluster": try self.init(cluster: &parts, isEncrypted: false)
        case "rediss+cluster": try self.init(cluster: &parts, isEncrypted: true)
        case let scheme:
            throw RedisURLError(
                "the scheme \(scheme):// is neither redis:// nor unix://, nor redis+sentinel:// nor redis+cluster://, "
                    + "nor one of these with rediss")
        }
        try parts.query.checkEmpty()
    }

    private init(one parts: inout RedisURLParts, isEncrypted: Bool) throws(RedisURLError) {
        try parts.refuseHash()
        let address = try Self.tcpAddress(parts.hosts, defaultPort: Self.defaultPort)
        let login = try RedisLogin(parts.credentials)
        let database = try Self.database(path: parts.path, query: &parts.query)
        self.init(address: address, user: login.user, password: login.password, database: database)
        tls = isEncrypted ? try RedisTLS(&parts.query) : nil
    }

    private init(unix parts: inout RedisURLParts) throws(RedisURLError) {
        guard let path = parts.path else {
            throw RedisURLError("the path of the unix socket is missing: unix:///path/to/socket")
        }
        guard parts.hosts.isEmpty else {
            throw RedisURLError("a unix socket has no host; its path begins with a third slash: unix:///path")
        }
        let decoded = try "/" + percentDecoded(path, "the path")
        guard decoded.utf8.count > 1 else { throw RedisURLError("the path of the unix socket is empty") }
        guard decoded.utf8.count <= Self.unixPathBytesMax else {
            throw RedisURLError("the path of the unix socket has more than \(Self.unixPathBytesMax) bytes")
        }
        guard !decoded.utf8.contains(0) else {
            throw RedisURLError("the path of the unix socket contains a zero byte")
        }
        let login = try RedisLogin(parts.credentials)
        let database = try Self.database(path: nil, query: &parts.query)
        self.init(address: .unix(path: decoded), user: login.user, password: login.password, database: database)
    }

    private init(sentinel parts: inout RedisURLParts, isEncrypted: Bool) throws(RedisURLError) {
        try parts.refuseHash()
        let addresses = try Self.tcpAddresses(parts.hosts, defaultPort: Self.defaultSentinelPort)
        let (name, database) = (parts.path ?? "").split(atFirst: "/")
        let master = try percentDecoded(name, "the name of the master")
        guard !master.isEmpty, !master.contains(where: \.isWhitespace) else {
            throw RedisURLError("Sentinel needs the name of the master: redis+sentinel://host:26379/mymaster")
        }
        let login = try RedisLogin(parts.credentials)
        let sentinels = RedisSentinels(
            addresses: addresses, master: master, user: parts.query.take("sentinel_user"),
            password: parts.query.take("sentinel_password"))
        guard sentinels.user == nil || sentinels.password != nil else {
            throw RedisURLError("sentinel_user needs sentinel_password beside it")
        }
        self.init(
            servers: .sentinel(sentinels), user: login.user, password: login.password,
            database: try Self.database(path: database, query: &parts.query))
        role = try Self.role(&parts.query)
        tls = isEncrypted ? try RedisTLS(&parts.query) : nil
    }

    private init(cluster parts: inout RedisURLParts, isEncrypted: Bool) throws(RedisURLError) {
        try parts.refuseHash()
        let addresses = try Self.tcpAddresses(parts.hosts, defaultPort: Self.defaultPort)
        let login = try RedisLogin(parts.credentials)
        guard try Self.database(path: parts.path, query: &parts.query) == 0 else {
            throw RedisURLError("a Redis Cluster has only the database 0")
        }
        self.init(servers: .cluster(addresses), user: login.user, password: login.password)
        role = try Self.role(&parts.query)
        tls = isEncrypted ? try RedisTLS(&parts.query) : nil
    }

    private static func role(_ query: inout RedisURLQuery) throws(RedisURLError) -> RedisRole? {
        guard let text = query.take("role") else { return nil }
        guard let role = RedisRole(rawValue: text) else { throw RedisURLError("role is neither master nor replica") }
        return role
    }

    private static func tcpAddresses(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> [Address] {
        var addresses: [Address] = []
        var rest: Substring? = text
        while let list = rest {
            let (first, others) = list.split(atFirst: ",")
            addresses.append(try tcpAddress(first, defaultPort: defaultPort))
            rest = others
        }
        return addresses
    }

    private static func tcpAddress(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> Address {
        var host = text
        var port: Substring?
        let (bytes, colon) = (text.utf8, UInt8(ascii: ":"))
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw RedisURLError("a [ without its ]") }
            host = Substring(bytes[..<end].dropFirst())
            let rest = bytes[end...].dropFirst()
            guard rest.isEmpty || rest.first == colon else { throw RedisURLError("text between the ] and the port") }
            port = rest.isEmpty ? nil : Substring(rest.dropFirst())
            guard host.utf8.contains(colon) else { throw RedisURLError("what stands in brackets is no IPv6 address") }
        } else {
            (host, port) = text.split(atFirst: ":")
            if port?.utf8.contains(colon) == true { throw RedisURLError("an IPv6 address must stand in brackets") }
        }
        guard !host.isEmpty else { throw RedisURLError("the host is missing") }
        guard !host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || "%,[]".utf8.contains($0) }) else {
            throw RedisURLError("the host contains a character that no host has")
        }
        guard let port else { return .tcp(host: String(host), port: defaultPort) }
        guard let number = decimal(port), (1...65_535).contains(number) else {
            throw RedisURLError("the port is not a number from 1 to 65535")
        }
        return .tcp(host: String(host), port: number)
    }

    /// The database, from the path or from `db=` in the query.
    private static func database(path: Substring?, query: inout RedisURLQuery) throws(RedisURLError) -> Int {
        let path = path.flatMap { $0.isEmpty ? nil : String($0) }
        let parameter = query.take("db")
        guard path == nil || parameter == nil else { throw RedisURLError("the database is given twice") }
        guard let found = path ?? parameter else { return 0 }
        guard let number = decimal(found[...]), number <= Int(Int32.max) else {
            throw RedisURLError("the database is not a number from 0")
        }
        return number
    }

    /// The value of digits only: `Int` would take a sign too.
    private static func decimal(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }
}
