import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What went wrong on a socket, in words for people.
enum FailureText {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            return describe(errno: error.errnoCode)
        case let error as NIOConnectionError:
            return describe(error)
        case ChannelError.connectTimeout:
            return "no answer in time"
        case ChannelError.eof, NIOSSLError.uncleanShutdown:
            return "the server closed the connection"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return "the server's certificate is for another name"
        case let error as NIOSSLError:
            return describeTLS("\(error)")
        case let error as BoringSSLError:
            return describeTLS("\(error)")
        default:
            return "\(error)"
        }
    }

    /// What the library says is `… SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …` among other things.
    private static func describeTLS(_ text: String) -> String {
        let codes = text.split(whereSeparator: { !($0.isUppercase || $0.isNumber || $0 == "_") })
        guard let code = codes.max(by: { $0.utf8.count < $1.utf8.count }), code.utf8.contains(UInt8(ascii: "_")) else {
            return text.contains("EOF") ? "the server ended the TLS handshake" : "TLS failed: \(text)"
        }
        return switch code {
        case "CERTIFICATE_VERIFY_FAILED": "the server's certificate does not lead to a root that is trusted here"
        case "WRONG_VERSION_NUMBER": "the server does not speak TLS there"
        case "TLSV1_ALERT_CERTIFICATE_REQUIRED", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_NO_CERTIFICATE":
            "the server asks for a client's certificate"
        default: "TLS failed: \(code.lowercased().replacing("_", with: " "))"
        }
    }

    /// A host may have several addresses: each failure once, or why there is no address.
    private static func describe(_ error: NIOConnectionError) -> String {
        var texts: [String] = []
        for failure in error.connectionErrors {
            let text = describe(failure.error)
            if !texts.contains(text) { texts.append(text) }
        }
        if texts.isEmpty { texts.append("the name has no address") }
        return texts.joined(separator: ", ")
    }

    static func describe(errno code: CInt) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let sentence = unsafe String(cString: text)
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
