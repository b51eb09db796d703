/// Text from outside as a sentence quotes it: of bounded length, on one line, and with nothing that a terminal would obey.
public enum QuotedText {
    /// A quotation's size at most, in bytes of UTF-8, before what has to be escaped grows.
    public static let bytesMax = 256

    private static let ellipsis = "…"

    /// The text with control characters written as `\u{1B}`; cut between two code points, and marked so, where it is longer than a
    /// sentence should be.
    public static func quoted(_ text: String) -> String {
        let text = cut(text)
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var line = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
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

    /// Also what turns the direction of writing, or breaks the line.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
