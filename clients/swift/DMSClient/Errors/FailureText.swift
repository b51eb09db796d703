import NIOCore
import NIOPosix

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
        default:
            return "\(error)"
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

    private static func describe(errno code: CInt) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let sentence = unsafe String(cString: text)
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
