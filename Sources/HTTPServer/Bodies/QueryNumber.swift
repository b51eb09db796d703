import DMSModel

/// A whole number as a query gives it: digits, with a minus before them or not.
enum QueryNumber {
    /// Reads a text; nil where it is no whole number, and the nearest `Int` where it is one that does not fit.
    static func read(_ text: String) -> Int? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = text.utf8.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text) ?? (isNegative ? .min : .max)
    }

    /// What is said of a text that is none.
    static func error(_ text: String, _ name: String) -> FieldError {
        FieldError(
            "int_parsing", at: [.name("query"), .name(name)],
            "Input should be a valid integer, unable to parse string as an integer", input: JSONString.encode(text))
    }
}
