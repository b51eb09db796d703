/// Makes text from elsewhere fit for a terminal, which would obey what control characters say.
public enum PrintableText {
    /// The text with control characters written as `\u{1B}`.
    public static func line(_ text: String) -> String {
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

    /// A JSON text on one line: line breaks and tabs in it can only be white space between its values.
    public static func json(_ text: String) -> String {
        let spaces: Set<Unicode.Scalar> = ["\n", "\r", "\t"]
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(spaces.contains(scalar) ? " " : scalar) }
        return line(String(scalars))
    }

    /// Also what turns the direction of writing, or breaks the line, is not for a name to do.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
