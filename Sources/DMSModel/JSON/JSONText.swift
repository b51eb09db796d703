public import NIOCore

/// What a JSON value is.
public enum JSONKind: Sendable {
    case object
    case array
    case string
    case number
    case `true`
    case `false`
    case null
}

/// A value inside a JSON text: where it lies, counted from the text's first byte, and what it is.
public struct JSONValue: Sendable, Equatable {
    /// Where the value's text lies, in bytes, a string's quotes included.
    public var range: Range<Int>
    /// Which of JSON's types the value has, told by its first byte.
    public var kind: JSONKind
}

/// A JSON text that was checked by RFC 8259, with its top-level members found but nothing converted.
///
/// Values stay slices of the text, so that what a user sent can be handed on byte for byte.
public struct JSONText: Sendable {
    /// The whole text.
    public let bytes: ByteBuffer
    /// The text's one value, without white space around it.
    public let root: JSONValue
    /// The members of the object that the text is, in order; empty where it is something else.
    public let members: [Member]

    /// A member of the top-level object.
    public struct Member: Sendable {
        /// Where the key's text lies, without its quotes.
        public var key: Range<Int>
        /// What stands under the key, without the white space around it.
        public var value: JSONValue
        /// Everything between the colon and the comma or brace that ends the member, white space included.
        public var slot: Range<Int>
    }

    /// Checks the text and finds its members; throws ``JSONError`` at the first byte that is wrong.
    public init(_ bytes: ByteBuffer, nestingMax: Int) throws(JSONError) {
        self.bytes = bytes
        var found: [Member] = []
        var scanner = JSONScanner(bytes.readableBytesUInt8Span, nestingMax: nestingMax)
        scanner.skipSpace()
        let start = scanner.offset
        if scanner.current == UInt8(ascii: "{") {
            try JSONText.scanMembers(&scanner, into: &found, nestingMax: nestingMax)
            root = JSONValue(range: start..<scanner.offset, kind: .object)
        } else {
            let value = try scanner.value()
            root = JSONValue(range: value.range, kind: value.kind)
        }
        scanner.skipSpace()
        guard scanner.current == nil else { throw JSONError(.endExpected, at: scanner.offset) }
        members = found
    }

    private static func scanMembers(
        _ scanner: inout JSONScanner, into found: inout [Member], nestingMax: Int
    ) throws(JSONError) {
        guard nestingMax > 0 else { throw JSONError(.tooDeep, at: scanner.offset) }
        scanner.nest()
        _ = scanner.take(UInt8(ascii: "{"))
        scanner.skipSpace()
        if scanner.take(UInt8(ascii: "}")) {
            scanner.unnest()
            return
        }
        found.reserveCapacity(10)
        while true {
            scanner.skipSpace()
            let key = try scanner.key()
            let slotStart = scanner.offset
            scanner.skipSpace()
            let value = try scanner.value()
            scanner.skipSpace()
            found.append(
                Member(
                    key: key.lowerBound + 1..<key.upperBound - 1,
                    value: JSONValue(range: value.range, kind: value.kind), slot: slotStart..<scanner.offset))
            if scanner.take(UInt8(ascii: ",")) { continue }
            guard scanner.take(UInt8(ascii: "}")) else {
                throw JSONError(scanner.current == nil ? .unterminated : .separatorExpected, at: scanner.offset)
            }
            scanner.unnest()
            return
        }
    }

    /// The bytes of a range, sharing the text's storage.
    public func slice(_ range: Range<Int>) -> ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    /// The text of a string value, its escapes decoded.
    public func string(_ value: JSONValue) -> String {
        JSONString.decode(bytes.readableBytesUInt8Span, in: value.range.lowerBound + 1..<value.range.upperBound - 1)
    }

    /// The last member of that name, as every reader of JSON with duplicate keys takes it; nil where there is none.
    public subscript(_ name: String) -> Member? {
        let span = bytes.readableBytesUInt8Span
        for member in members.reversed() where JSONString.matches(name, span, in: member.key) { return member }
        return nil
    }
}
