/// Why the binary door did not open.
public enum RPCServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process listens on the unix socket.
    case socketInUse(path: String)
    /// The address cannot be listened on.
    case cannotListen(address: String, reason: String)

    /// A sentence for people, with the path or address.
    public var description: String {
        switch self {
        case .socketInUse(let path): "Another process listens on the socket \(path)"
        case .cannotListen(let address, let reason): "Cannot listen on \(address): \(reason)"
        }
    }
}
