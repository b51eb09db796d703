public import NIOCore

/// Strings between JSON text and Swift.
public enum JSONString {
    /// Decodes what stands between the quotes of a string that ``JSONScanner`` has passed.
    static func decode(_ text: Span<UInt8>, in range: Range<Int>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        forEachByte(text, in: range) { byte in
            bytes.append(byte)
            return true
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the decoded string is `name`, byte for byte.
    static func matches(_ name: String, _ text: Span<UInt8>, in range: Range<Int>) -> Bool {
        var rest = name.utf8[...]
        let same = forEachByte(text, in: range) { byte in rest.popFirst() == byte }
        return same && rest.isEmpty
    }

    /// Calls the body with each byte of the decoded string until it says false; false if it did.
    @discardableResult
    private static func forEachByte(_ text: Span<UInt8>, in range: Range<Int>, _ body: (UInt8) -> Bool) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = text[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                if !body(byte) { return false }
                continue
            }
            let letter = text[index]
            index += 1
            if letter == UInt8(ascii: "u") {
                let scalar = unicodeScalar(text, at: &index)
                for byte in String(Character(scalar)).utf8 where !body(byte) { return false }
            } else if !body(unescaped(letter)) {
                return false
            }
        }
        return true
    }

    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// The character of a `\u` escape, or of two that are a surrogate pair; the index stands behind the `u`.
    private static func unicodeScalar(_ text: Span<UInt8>, at index: inout Int) -> Unicode.Scalar {
        func unit(at start: Int) -> UInt32 {
            (start..<start + 4).reduce(0) { $0 << 4 | UInt32(hexadecimalValue(text[$1]) ?? 0) }
        }
        var value = unit(at: index)
        index += 4
        if value & 0xFC00 == 0xD800 {
            value = 0x10000 + ((value & 0x3FF) << 10 | unit(at: index + 2) & 0x3FF)
            index += 6
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// Writes the text as a JSON string, quotes and all; only what must be escaped is.
    public static func write(_ text: String, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            buffer.writeString(text)
        } else {
            for byte in text.utf8 { writeEscaped(byte, into: &buffer) }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    private static func writeEscaped(_ byte: UInt8, into buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x08: buffer.writeStaticString("\\b")
        case 0x0C: buffer.writeStaticString("\\f")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0D: buffer.writeStaticString("\\r")
        case 0x09: buffer.writeStaticString("\\t")
        case 0..<0x20:
            let digits = String(byte, radix: 16)
            buffer.writeString("\\u00" + (digits.utf8.count == 1 ? "0" : "") + digits)
        default: buffer.writeInteger(byte)
        }
    }

    /// The text as a JSON string, quotes and all.
    public static func encode(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(text, into: &buffer)
        return buffer
    }
}
