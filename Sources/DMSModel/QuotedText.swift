/// Text from outside as a sentence quotes it: of bounded length, on one line, and with nothing that a terminal would obey.
public enum QuotedText {
    /// A quotation's size at most, in bytes of UTF-8, before what has to be escaped grows.
    public static let bytesMax = 256

    private static let ellipsis = "…"

    /// The text with control characters written as `\u{1B}`; cut between two code points, and marked so, where it is longer than a
    /// sentence should be.
    public static func quoted(_ text: String) -> String { escaped(cut(text)) }

    /// The text, whatever its length, with what does not print written as `\u{1B}`.
    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
        var line = ""
        for scalar in text.unicodeScalars {
            if isUnprintable(scalar) {
                line += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    private static func cut(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count > bytesMax else { return text }
        var end = bytes.index(bytes.startIndex, offsetBy: bytesMax - ellipsis.utf8.count)
        while bytes[end] & 0b1100_0000 == 0b1000_0000 { end = bytes.index(before: end) }
        return String(text.unicodeScalars[..<end]) + ellipsis
    }

    /// Whether it does something instead of showing something: C0, DEL and C1, ends of lines, and what turns or hides text.
    public static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
