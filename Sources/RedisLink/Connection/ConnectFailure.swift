internal import NIOCore
internal import NIOPosix
internal import NIOSSL

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
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            // Its own text names no IP address.
            return "TLS failed: its certificate is for another name or address"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return "TLS failed: \(shortened("\(error)"))"
        default:
            return String(describing: error)
        }
    }

    /// BoringSSL's own word for what went wrong, out of a text that names its source files too.
    private static func shortened(_ text: String) -> String {
        let (_, behind) = text.split(atFirst: "OPENSSL_internal:")
        guard let reason = behind?.split(atFirst: " at ").0, !reason.isEmpty else { return text }
        return reason.lowercased().replacing("_", with: " ")
    }
}
