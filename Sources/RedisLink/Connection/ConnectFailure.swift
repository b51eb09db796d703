internal import NIOCore
internal import NIOPosix

/// Says in a few words why a socket failed.
enum ConnectFailure {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return describe(first.error) }
            if error.dnsAError != nil || error.dnsAAAAError != nil { return "the host has no address" }
            return "no address of the host could be reached"
        case ChannelError.connectTimeout:
            return "the connection could not be made in time"
        default:
            return String(describing: error)
        }
    }
}
