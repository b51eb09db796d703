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
        if text.hasPrefix(ServerAddress.unixScheme) {
            let path = String(text.dropFirst(ServerAddress.unixScheme.count))
            guard path.hasPrefix("/") else { throw refusal("the path must begin with '/', as in unix:///run/dms.sock") }
            guard path.utf8.count <= ServerAddress.pathBytesMax else {
                throw refusal("the path has more than \(ServerAddress.pathBytesMax) bytes")
            }
            self = .unix(path: path)
            return
        }
        let isTLS = text.hasPrefix(ServerAddress.tlsScheme)
        let place = isTLS ? String(text.dropFirst(ServerAddress.tlsScheme.count)) : text
        let (host, portText) = try ServerAddress.split(place, refusal)
        guard !host.isEmpty, !host.utf8.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "/") || $0 == 0x7F }) else {
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

    private static func at(_ host: String, _ port: Int, isTLS: Bool) -> ServerAddress {
        isTLS ? .tls(host: host, port: port) : .tcp(host: host, port: port)
    }

    /// Reads addresses with commas between them; there is at least one.
    public static func list(_ text: String) throws(ServerAddressError) -> [ServerAddress] {
        var addresses: [ServerAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            addresses.append(try ServerAddress(String(part).trimmed))
        }
        return addresses
    }

    private static func split(
        _ text: String, _ refusal: (String) -> ServerAddressError
    ) throws(ServerAddressError) -> (host: String, port: Substring?) {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw refusal("']' is missing") }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw refusal("only ':port' may follow ']'") }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw refusal("an IPv6 address needs brackets, as in [::1]:8001") }
        return (String(parts[0]), parts.count == 2 ? parts[1] : nil)
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
        let start = drop { $0 == " " }
        guard let end = start.lastIndex(where: { $0 != " " }) else { return "" }
        return String(start[...end])
    }
}
