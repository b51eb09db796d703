import Glibc

/// A host and maybe a port, as a `Host` header or an `Origin` has them.
struct HostName {
    /// The longest name that the Domain Name System has, and a port.
    private static let bytesMax = 255 + 6

    /// The host as it was sent, without the brackets of an IPv6 address; never empty, ASCII only.
    let host: String
    let port: Int?
    private let isVersion6: Bool

    /// Reads a text; nil where it is no host (RFC 3986, section 3.2.2), or one that is empty.
    init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...HostName.bytesMax).contains(bytes.count) else { return nil }
        isVersion6 = bytes.first == UInt8(ascii: "[")
        let hostEnd: Substring.UTF8View.Index
        if isVersion6 {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = String(text[bytes.index(after: bytes.startIndex)..<bracket])
            hostEnd = bytes.index(after: bracket)
            guard HostName.isVersion6(host) else { return nil }
        } else {
            hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            host = String(text[..<hostEnd])
            guard !host.isEmpty, host.utf8.allSatisfy(HostName.isOfNames) else { return nil }
        }
        guard hostEnd != bytes.endIndex else {
            port = nil
            return
        }
        let digits = bytes[bytes.index(after: hostEnd)...]
        guard bytes[hostEnd] == UInt8(ascii: ":"), digits.count <= 5, digits.allSatisfy(HostName.isDigit) else {
            return nil
        }
        // A colon may stand there without a port.
        port = Int(String(decoding: digits, as: UTF8.self))
        if let port, port > 65_535 { return nil }
    }

    /// Whether it is an address and no name, in one of the forms that programs take.
    var isAddress: Bool {
        guard !isVersion6 else { return true }
        guard host.utf8.first.map(HostName.isDigit) == true else { return false }
        var address = in_addr()
        return unsafe inet_aton(host, &address) != 0
    }

    /// The name as names are compared: in lower case, without the root's dot.
    var name: String {
        let name = host.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// Behind a `%` stands which of the machine's networks is meant.
    private static func isVersion6(_ host: String) -> Bool {
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first, parts.dropFirst().allSatisfy({ $0.utf8.allSatisfy(isOfNames) }) else {
            return false
        }
        var bytes = in6_addr()
        return unsafe inet_pton(AF_INET6, String(address), &bytes) == 1
    }

    private static func isOfNames(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"): true
        case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&")...UInt8(ascii: ","): true
        case UInt8(ascii: ";"), UInt8(ascii: "="): true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
