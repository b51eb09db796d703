/// Walks over JSON text without building anything, so that numbers, order and escapes stay as they were written.
///
/// Strict by RFC 8259: no NaN, no trailing comma, no control characters, no bad UTF-8, and no `\u` escape that could not
/// be encoded again. It keeps a bit for each level it is in, not a stack frame: depth costs no stack.
struct JSONScanner: ~Escapable {
    private let text: Span<UInt8>
    private var nestingMax: Int
    private(set) var offset: Int

    /// Starts at the text's first byte; a value that nests deeper than `nestingMax` levels is refused.
    @_lifetime(copy text)
    init(_ text: Span<UInt8>, nestingMax: Int) {
        self.text = text
        self.nestingMax = nestingMax
        offset = 0
    }

    /// The byte at the cursor; nil at the end.
    var current: UInt8? { offset < text.count ? text[offset] : nil }

    mutating func skipSpace() {
        while offset < text.count {
            switch text[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// Takes the byte if it is the one at the cursor.
    mutating func take(_ byte: UInt8) -> Bool {
        guard offset < text.count, text[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// Passes over one value, containers with all they hold, and says where it lies and what it is.
    mutating func value() throws(JSONError) -> (range: Range<Int>, kind: JSONKind) {
        let start = offset
        guard let first = current else { throw JSONError(.unterminated, at: offset) }
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try container()
            return (start..<offset, first == UInt8(ascii: "{") ? .object : .array)
        default:
            let kind = try scalar(first)
            return (start..<offset, kind)
        }
    }

    /// Passes over a string, its quotes included.
    mutating func string() throws(JSONError) -> Range<Int> {
        let start = offset
        offset += 1
        while offset < text.count {
            let byte = text[offset]
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return start..<offset
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw JSONError(.controlCharacter, at: offset)
            case 0x20..<0x80: offset += 1
            default: try multibyteCharacter(byte)
            }
        }
        throw JSONError(.unterminated, at: offset)
    }

    private mutating func scalar(_ first: UInt8) throws(JSONError) -> JSONKind {
        switch first {
        case UInt8(ascii: "\""):
            _ = try string()
            return .string
        case UInt8(ascii: "t"):
            try literal("true")
            return .true
        case UInt8(ascii: "f"):
            try literal("false")
            return .false
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number()
            return .number
        default: throw JSONError(.valueExpected, at: offset)
        }
    }

    private mutating func container() throws(JSONError) {
        var levels = LevelStack()
        repeat {
            skipSpace()
            guard let byte = current else { throw JSONError(.unterminated, at: offset) }
            // A value starts here.
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                let isObject = byte == UInt8(ascii: "{")
                guard levels.depth < nestingMax else { throw JSONError(.tooDeep, at: offset) }
                levels.push(isObject: isObject)
                offset += 1
                skipSpace()
                if !take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    if isObject { _ = try key() }
                    continue
                }
                levels.pop()
            } else {
                _ = try scalar(byte)
            }
            // A value has ended: close what ends with it, or go on to the next member.
            try closeOrContinue(&levels)
        } while levels.depth > 0
    }

    private mutating func closeOrContinue(_ levels: inout LevelStack) throws(JSONError) {
        while levels.depth > 0 {
            skipSpace()
            guard current != nil else { throw JSONError(.unterminated, at: offset) }
            if take(UInt8(ascii: ",")) {
                if levels.isObject {
                    skipSpace()
                    _ = try key()
                }
                return
            }
            guard take(levels.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw JSONError(.separatorExpected, at: offset)
            }
            levels.pop()
        }
    }

    /// Passes over a key and its colon, and says where the key lies, its quotes included.
    mutating func key() throws(JSONError) -> Range<Int> {
        guard current == UInt8(ascii: "\"") else {
            throw JSONError(current == nil ? .unterminated : .keyExpected, at: offset)
        }
        let range = try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else {
            throw JSONError(current == nil ? .unterminated : .colonExpected, at: offset)
        }
        return range
    }

    /// Says that the caller went into a container of its own accord; what follows may nest one level less.
    mutating func nest() { nestingMax -= 1 }

    /// Says that the caller left that container.
    mutating func unnest() { nestingMax += 1 }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        let start = offset
        for index in 0..<word.utf8CodeUnitCount {
            guard take(unsafe word.utf8Start[index]) else { throw JSONError(.valueExpected, at: start) }
        }
    }

    private mutating func number() throws(JSONError) {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) {
            guard digits() else { throw JSONError(.badNumber, at: start) }
        }
        if take(UInt8(ascii: ".")) {
            guard digits() else { throw JSONError(.badNumber, at: start) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() else { throw JSONError(.badNumber, at: start) }
        }
    }

    private mutating func digits() -> Bool {
        let start = offset
        while offset < text.count, text[offset] >= UInt8(ascii: "0"), text[offset] <= UInt8(ascii: "9") { offset += 1 }
        return offset > start
    }

    private mutating func escape() throws(JSONError) {
        let start = offset
        offset += 1
        guard let letter = current else { throw JSONError(.unterminated, at: offset) }
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            let unit = try hexadecimals(escapeAt: start)
            guard unit & 0xF800 == 0xD800 else { return }
            guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")),
                try hexadecimals(escapeAt: start) & 0xFC00 == 0xDC00
            else { throw JSONError(.loneSurrogate, at: start) }
        default: throw JSONError(.badEscape, at: start)
        }
    }

    private mutating func hexadecimals(escapeAt start: Int) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = hexadecimalValue(byte) else {
                throw JSONError(.badEscape, at: start)
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    /// A character of two to four bytes: no overlong form, no surrogate, nothing past U+10FFFF.
    private mutating func multibyteCharacter(_ first: UInt8) throws(JSONError) {
        let (count, lowest, highest): (Int, UInt8, UInt8)
        switch first {
        case 0xC2...0xDF: (count, lowest, highest) = (2, 0x80, 0xBF)
        case 0xE0: (count, lowest, highest) = (3, 0xA0, 0xBF)
        case 0xED: (count, lowest, highest) = (3, 0x80, 0x9F)
        case 0xE1...0xEF: (count, lowest, highest) = (3, 0x80, 0xBF)
        case 0xF0: (count, lowest, highest) = (4, 0x90, 0xBF)
        case 0xF1...0xF3: (count, lowest, highest) = (4, 0x80, 0xBF)
        case 0xF4: (count, lowest, highest) = (4, 0x80, 0x8F)
        default: throw JSONError(.badUTF8, at: offset)
        }
        guard offset + count <= text.count, text[offset + 1] >= lowest, text[offset + 1] <= highest else {
            throw JSONError(.badUTF8, at: offset)
        }
        for index in offset + 2..<max(offset + 2, offset + count) where text[index] & 0xC0 != 0x80 {
            throw JSONError(.badUTF8, at: offset)
        }
        offset += count
    }
}

/// The value of a hexadecimal digit; nil for any other byte.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Which containers the scanner is in: a bit a level, the first 64 of them without an allocation.
private struct LevelStack {
    private(set) var depth = 0
    private var lowest: UInt64 = 0
    private var further: [UInt64] = []

    /// Whether the innermost container is an object; false where there is none.
    var isObject: Bool {
        guard depth > 0 else { return false }
        let (word, bit) = (depth - 1).quotientAndRemainder(dividingBy: 64)
        return (word == 0 ? lowest : further[word - 1]) >> UInt64(bit) & 1 == 1
    }

    mutating func push(isObject: Bool) {
        let (word, bit) = depth.quotientAndRemainder(dividingBy: 64)
        let mask: UInt64 = 1 << UInt64(bit)
        depth += 1
        if word == 0 {
            lowest = isObject ? lowest | mask : lowest & ~mask
        } else {
            if further.count < word { further.append(0) }
            further[word - 1] = isObject ? further[word - 1] | mask : further[word - 1] & ~mask
        }
    }

    mutating func pop() { depth -= 1 }
}
