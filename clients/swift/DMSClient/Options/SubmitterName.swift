import DMSModel
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Names that submitters' calls carry: for themselves, and for their requests.
enum SubmitterName {
    /// A name for a client that was given none: unlike any other, and yet of use to people.
    static func random() -> String { "\(hostName.prefix(100))-\(getpid())-\(token(bytes: 4))" }

    /// A name for a request, unlike any other.
    static func requestID() -> String { token(bytes: 16) }

    private static func token(bytes: Int) -> String {
        let digits = Array("0123456789abcdef")
        var random = SystemRandomNumberGenerator()
        return String((0..<bytes * 2).compactMap { _ in digits.randomElement(using: &random) })
    }

    /// The machine's name, in the characters that names of machines consist of.
    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: Limits.nameBytesMax)
        guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "host" }
        let name = String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self
        ).filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }
        return name.isEmpty ? "host" : name
    }
}
