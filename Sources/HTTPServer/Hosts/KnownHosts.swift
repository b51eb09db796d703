/// The hosts that requests may ask for: addresses, `localhost` and what is under it, and the names that are added.
///
/// A page's name may be made to lead to this server while the page is open (DNS rebinding), and then the browser takes the server
/// for the page's own. But the request still names the page's host, which is none of ours. Behind an address there is no name that
/// could lead elsewhere.
public struct KnownHosts: Sendable {
    /// A text that names no host.
    public struct InvalidName: Error, CustomStringConvertible {
        /// A sentence for people.
        public let description: String
    }

    private var names: Set<String> = ["localhost"]
    /// What names end with that are known, each with the dot that it begins with.
    private var endings = [".localhost"]
    private var areAllKnown = false

    /// Addresses and `localhost`.
    public init() {}

    /// Adds a name, `*.` and a name for all that are under it, or `*` for all there are.
    public mutating func add(_ text: String) throws(InvalidName) {
        guard text != "*" else {
            areAllKnown = true
            return
        }
        let isEnding = text.hasPrefix("*.")
        guard let host = HostName(isEnding ? text.dropFirst(2) : text[...]), host.port == nil, !text.hasSuffix(":"),
            !host.host.contains("*")
        else {
            throw InvalidName(
                description: "'\(text)' is no host name: such as dms.example.org, without scheme and port, "
                    + "*.example.org for all names under it, or * for any")
        }
        if isEnding { endings.append("." + host.name) } else { names.insert(host.name) }
    }

    func contains(_ host: HostName) -> Bool {
        if areAllKnown || host.isAddress { return true }
        let name = host.name
        return names.contains(name) || endings.contains { name.hasSuffix($0) && name.utf8.count > $0.utf8.count }
    }
}
