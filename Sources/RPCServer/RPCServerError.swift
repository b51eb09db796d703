/// Why the binary door did not open.
public enum RPCServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process listens on the unix socket.
    case socketInUse(path: String)
    /// The TCP address cannot be listened on.
    case cannotListen(address: String, reason: String)
    /// The unix socket cannot be listened on.
    case cannotListenOnSocket(path: String, reason: String)

    /// Half a sentence for people, which begins with the server; with the path or address.
    public var description: String {
        switch self {
        case .socketInUse(let path): "cannot listen on the socket \(path): another process listens on it"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .cannotListenOnSocket(let path, let reason): "cannot listen on the socket \(path): \(reason)"
        }
    }
}
