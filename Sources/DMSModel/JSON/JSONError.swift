/// Where a text stops being JSON by RFC 8259, and why.
public struct JSONError: Error, Sendable, Equatable {
    /// The byte at which it stops, counted from the text's first.
    public var offset: Int
    /// The rule that the byte breaks.
    public var problem: Problem

    /// Why a text is not JSON; the raw value is half a sentence for people.
    public enum Problem: String, Sendable {
        case valueExpected = "a value was expected"
        case endExpected = "nothing may follow the value"
        case keyExpected = "a key in double quotes was expected"
        case colonExpected = "a colon was expected"
        case separatorExpected = "a comma or the closing bracket was expected"
        case unterminated = "the text ends too early"
        case controlCharacter = "a control character must be escaped"
        case badEscape = "an escape is not known"
        case loneSurrogate = "a \\u escape is half of a surrogate pair"
        case badUTF8 = "the bytes are not UTF-8"
        case badNumber = "a number is malformed"
        case tooDeep = "it nests too deep"
    }

    init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }
}
