import DMSModel

/// Makes any text fit for one line of a log or of a terminal, which would obey what control characters say.
///
/// Clients and Redis choose parts of what is logged. None of them may end a line, turn the direction of writing or speak to a terminal.
enum PrintableText {
    /// The text with what does not print written as `\u{1B}`.
    static func line(_ text: String) -> String { QuotedText.escaped(text) }

    /// The text as a field's value: in quotes where it could be taken for more than that.
    static func field(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            !QuotedText.isUnprintable(scalar) && !scalar.properties.isWhitespace && scalar != "\"" && scalar != "\\"
                && scalar != "="
        }
        guard !isPlain || text.isEmpty else { return text }
        return "\"\(line(escape(text) { $0 == "\"" || $0 == "\\" ? "\\\($0)" : nil }))\""
    }

    /// The text as a JSON string, quotes and all.
    static func json(_ text: String) -> String {
        let inner = escape(text) { scalar in
            if scalar == "\"" || scalar == "\\" { return "\\\(scalar)" }
            guard QuotedText.isUnprintable(scalar) else { return nil }
            return UTF16.encode(scalar)?.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }.joined()
        }
        return "\"\(inner)\""
    }

    private static func escape(_ text: String, _ escaped: (Unicode.Scalar) -> String?) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if let escaped = escaped(scalar) { result += escaped } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }
}
