import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a server is told to listen, and why it cannot, in words of the operating system's.
public enum ListenAddress {
    /// The address as people write it: the host of an IPv6 address is in brackets.
    public static func text(host: String, port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Why it cannot be listened on; the end of a sentence, without the insides of the library that says so.
    public static func reason(of error: any Error) -> String {
        switch error {
        case let error as IOError: reason(ofErrno: error.errnoCode)
        case let error as SocketAddressError.UnknownHost: "the name \(error.host) cannot be resolved"
        case SocketAddressError.unixDomainSocketPathTooLong: "the path is too long"
        default: "\(error)"
        }
    }

    /// The system's text for an error number.
    public static func reason(ofErrno code: CInt) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let sentence = unsafe String(cString: text)
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
