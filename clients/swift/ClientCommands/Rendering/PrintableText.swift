import DMSModel
import NIOCore

/// Makes text from elsewhere fit for a terminal, which would obey what control characters say.
public enum PrintableText {
    private static let whiteSpace: Set<Unicode.Scalar> = ["\n", "\r", "\t"]

    /// The text with control characters written as `\u{1B}`.
    public static func line(_ text: String) -> String { QuotedText.escaped(text) }

    /// The lines of a text of several, each of them as in ``line(_:)``; without those at the end that are empty.
    public static func lines(_ text: String) -> [String] {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { bytes in
            line(String(Substring(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes)))
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// A JSON text on one line: line breaks and tabs in it can only be white space between its values.
    public static func json(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(whiteSpace.contains(scalar) ? " " : scalar) }
        return line(String(scalars))
    }

    /// A JSON text that means the same, with control characters written as `\u001B`.
    ///
    /// They can only stand in its strings; line breaks and tabs are white space between its values, and stay.
    static func escapedJSON(_ json: ByteBuffer) -> ByteBuffer {
        let isSuspect = { (byte: UInt8) in byte >= 0x7F || byte < 0x20 && !whiteSpace.contains(Unicode.Scalar(byte)) }
        guard json.readableBytesView.contains(where: isSuspect) else { return json }
        var scalars = String.UnicodeScalarView()
        for scalar in String(buffer: json).unicodeScalars {
            if QuotedText.isUnprintable(scalar), !whiteSpace.contains(scalar) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: true)
                    scalars += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
                }
            } else {
                scalars.append(scalar)
            }
        }
        return ByteBuffer(string: String(scalars))
    }
}
