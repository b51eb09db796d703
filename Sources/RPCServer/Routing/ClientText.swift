/// Text of a client's as error messages quote it.
enum ClientText {
    /// A quotation's size at most, in bytes of UTF-8.
    static let bytesMax = 256

    private static let ellipsis = "…"

    /// The text, cut between two characters' code points and marked so where it is longer than a message should be.
    static func quoted(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count > bytesMax else { return text }
        var end = bytes.index(bytes.startIndex, offsetBy: bytesMax - ellipsis.utf8.count)
        while bytes[end] & 0b1100_0000 == 0b1000_0000 { end = bytes.index(before: end) }
        return String(text.unicodeScalars[..<end]) + ellipsis
    }
}
