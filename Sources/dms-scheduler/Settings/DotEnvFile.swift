/// The assignments of a `.env` file, in the forms that dotenv libraries share.
///
/// swift-configuration's own reader passes over lines it cannot read, keeps quotes, and takes a file with CRLF for one line.
struct DotEnvFile {
    /// `NAME=value`, which may stand in several lines where it is quoted.
    struct Assignment: Equatable {
        var name: String
        var value: String
        /// Where it begins.
        var line: Int
        /// Whether it holds a `${…}` that some libraries would replace by the value of a variable.
        var namesVariable = false
    }

    /// A line that is none of those forms.
    struct Mistake: Error, Equatable {
        var line: Int
        /// A sentence without its end.
        var problem: String
    }

    let assignments: [Assignment]

    /// Reads a text with `\n` as its line ends; throws for the first line that cannot be read.
    init(_ text: String) throws(Mistake) {
        var reader = Reader(rest: Substring(text).unicodeScalars)
        var assignments: [Assignment] = []
        while let assignment = try reader.next() { assignments.append(assignment) }
        self.assignments = assignments
    }
}

private struct Reader {
    var rest: Substring.UnicodeScalarView
    var line = 1

    /// The next assignment; nil at the end.
    mutating func next() throws(DotEnvFile.Mistake) -> DotEnvFile.Assignment? {
        while let scalar = rest.first {
            if scalar == "#" {
                rest = rest.drop { $0 != "\n" }
            } else if scalar.properties.isWhitespace {
                if scalar == "\n" { line += 1 }
                rest.removeFirst()
            } else {
                return try assignment()
            }
        }
        return nil
    }

    private mutating func assignment() throws(DotEnvFile.Mistake) -> DotEnvFile.Assignment {
        let begin = line
        var name = takeName()
        if skipBlanks(), name == "export", rest.first != "=" {
            name = takeName()
            skipBlanks()
        }
        guard !name.isEmpty, rest.first == "=" else { throw mistake("is not of the form NAME=value") }
        rest.removeFirst()
        let isAfterBlank = skipBlanks()
        switch rest.first {
        case "`": throw mistake("begins its value with a backtick; use single or double quotes")
        case let quote? where quote == "\"" || quote == "'":
            let (value, namesVariable) = try quoted(quote)
            return DotEnvFile.Assignment(name: name, value: value, line: begin, namesVariable: namesVariable)
        default:
            let value = unquoted(isAfterBlank: isAfterBlank)
            return DotEnvFile.Assignment(name: name, value: value, line: begin, namesVariable: value.contains("${"))
        }
    }

    private mutating func takeName() -> String {
        let name = rest.prefix { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "_.-".unicodeScalars.contains(scalar))
        }
        rest.removeFirst(name.count)
        return String(name)
    }

    /// Passes over white space on the line; whether there was any.
    @discardableResult
    private mutating func skipBlanks() -> Bool {
        let blanks = rest.prefix(while: \.isBlank).count
        rest.removeFirst(blanks)
        return blanks > 0
    }

    /// What stands there up to the line's end or a comment, which needs white space in front of it.
    private mutating func unquoted(isAfterBlank: Bool) -> String {
        let text = rest.prefix { $0 != "\n" }
        rest.removeFirst(text.count)
        var isAfterBlank = isAfterBlank
        var end = text.startIndex
        for index in text.indices {
            if text[index] == "#", isAfterBlank { break }
            isAfterBlank = text[index].isBlank
            if !isAfterBlank { end = text.index(after: index) }
        }
        return String(text[..<end])
    }

    /// What stands between two quotes, without its escapes; the line must end behind it.
    private mutating func quoted(_ quote: Unicode.Scalar) throws(DotEnvFile.Mistake) -> (String, namesVariable: Bool) {
        let opened = mistake("opens a quote that is not closed")
        var value = String.UnicodeScalarView()
        var namesVariable = false
        rest.removeFirst()
        while let scalar = rest.popFirst() {
            switch scalar {
            case quote:
                skipBlanks()
                guard rest.first.map({ $0 == "\n" || $0 == "#" }) ?? true else {
                    throw mistake("has text behind the closing quote")
                }
                return (String(value), namesVariable)
            case "\\":
                value.append(escaped(in: quote) ?? "\\")
            default:
                if scalar == "\n" { line += 1 }
                if scalar == "$", rest.first == "{", quote == "\"" { namesVariable = true }
                value.append(scalar)
            }
        }
        throw opened
    }

    /// What a backslash and the character behind it stand for; nil where the backslash stands for itself.
    private mutating func escaped(in quote: Unicode.Scalar) -> Unicode.Scalar? {
        let meant: Unicode.Scalar? =
            switch (quote, rest.first) {
            case ("'", "'"): "'"
            case ("\"", "n"): "\n"
            case ("\"", "r"): "\r"
            case ("\"", "t"): "\t"
            case ("\"", "\\"), ("\"", "\""), ("\"", "$"): rest.first
            default: nil
            }
        if meant != nil { rest.removeFirst() }
        return meant
    }

    private func mistake(_ problem: String) -> DotEnvFile.Mistake { DotEnvFile.Mistake(line: line, problem: problem) }
}

extension Unicode.Scalar {
    fileprivate var isBlank: Bool { properties.isWhitespace && self != "\n" }
}
