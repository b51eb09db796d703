/// Where a scheduler listens for the binary protocol.
public enum ServerAddress: Sendable, Hashable {
    /// A name or an IP address (IPv6 without brackets), and a port.
    case tcp(host: String, port: Int)
    /// The same, spoken to inside TLS; ``ClientOptions/tls`` says how.
    case tls(host: String, port: Int)
    /// The path of a unix socket.
    case unix(path: String)

    /// The port where an address names none.
    public static let defaultPort = 8001
    /// What the kernel takes as a socket's path, in bytes.
    static let pathBytesMax = 103

    private static let portRange = 1...65_535
    private static let unixScheme = "unix://"
    private static let tlsScheme = "tls://"

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`, each with `tls://` before it or not, or `unix:///path`.
    public init(_ text: String) throws(ServerAddressError) {
        func refusal(_ problem: String) -> ServerAddressError { ServerAddressError(text: text, problem: problem) }
        // Walked as bytes: a combining character behind a mark would make one `Character` of both.
        if text.utf8.starts(with: ServerAddress.unixScheme.utf8) {
            let path = String(Substring(text.utf8.dropFirst(ServerAddress.unixScheme.utf8.count)))
            guard path.utf8.first == UInt8(ascii: "/") else {
                throw refusal("the path must begin with '/', as in unix:///run/dms.sock")
            }
            guard path.utf8.count <= ServerAddress.pathBytesMax else {
                throw refusal("the path has more than \(ServerAddress.pathBytesMax) bytes")
            }
            self = .unix(path: path)
            return
        }
        let isTLS = text.utf8.starts(with: ServerAddress.tlsScheme.utf8)
        let place = isTLS ? String(Substring(text.utf8.dropFirst(ServerAddress.tlsScheme.utf8.count))) : text
        if let scheme = ServerAddress.scheme(of: place) {
            throw refusal(
                "the scheme '\(scheme)' is not known; known are tls:// and unix://, and no scheme is plain TCP")
        }
        let (host, portText) = try ServerAddress.split(place, refusal)
        guard !host.isEmpty, !host.utf8.contains(where: ServerAddress.isInNoHost) else {
            throw refusal("a host is expected, as in 127.0.0.1:8001")
        }
        guard let portText else {
            self = ServerAddress.at(host, ServerAddress.defaultPort, isTLS: isTLS)
            return
        }
        guard portText.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(portText), ServerAddress.portRange.contains(port)
        else { throw refusal("the port must be a number from 1 to 65535") }
        self = ServerAddress.at(host, port, isTLS: isTLS)
    }

    private static func scheme(of text: String) -> String? {
        guard let mark = text.utf8.firstRange(of: "://".utf8) else { return nil }
        return String(Substring(text.utf8[..<mark.lowerBound]))
    }

    private static func at(_ host: String, _ port: Int, isTLS: Bool) -> ServerAddress {
        isTLS ? .tls(host: host, port: port) : .tcp(host: host, port: port)
    }

    private static func isInNoHost(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7F || "/[]".utf8.contains(byte)
    }

    /// Reads addresses with commas between them; there is at least one.
    public static func list(_ text: String) throws(ServerAddressError) -> [ServerAddress] {
        var addresses: [ServerAddress] = []
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            addresses.append(try ServerAddress(String(Substring(part)).trimmed))
        }
        return addresses
    }

    private static func split(
        _ text: String, _ refusal: (String) -> ServerAddressError
    ) throws(ServerAddressError) -> (host: String, port: Substring?) {
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw refusal("']' is missing") }
            let host = Substring(bytes[..<end].dropFirst())
            let rest = bytes[end...].dropFirst()
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw refusal("only ':port' may follow ']'") }
            return (String(host), rest.isEmpty ? nil : Substring(rest.dropFirst()))
        }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw refusal("an IPv6 address needs brackets, as in [::1]:8001") }
        return (String(Substring(parts[0])), parts.count == 2 ? Substring(parts[1]) : nil)
    }
}

extension ServerAddress: CustomStringConvertible {
    /// The address as it is read: `host:port`, `[v6]:port`, the same behind `tls://`, or `unix:///path`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): ServerAddress.place(host, port)
        case .tls(let host, let port): ServerAddress.tlsScheme + ServerAddress.place(host, port)
        case .unix(let path): ServerAddress.unixScheme + path
        }
    }

    private static func place(_ host: String, _ port: Int) -> String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Why a text is no address.
public struct ServerAddressError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was to be read.
    public var text: String
    /// What is wrong with it; half a sentence for people.
    public var problem: String

    /// A sentence for people, with the text and its problem.
    public var description: String { "'\(text)' is no server address: \(problem)" }
}

extension String {
    /// Without the spaces before and behind it.
    fileprivate var trimmed: String {
        let space = UInt8(ascii: " ")
        let start = utf8.drop { $0 == space }
        guard let end = start.lastIndex(where: { $0 != space }) else { return "" }
        return String(Substring(start[...end]))
    }
}
