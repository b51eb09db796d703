import DMSModel
import NIOCore
import Testing

/// A text for the scanner, and what is expected of it.
struct JSONCase: Sendable, CustomTestStringConvertible {
    var bytes: [UInt8]
    /// Nil where the text is JSON.
    var error: Refusal?
    var testDescription: String

    struct Refusal: Sendable {
        var problem: JSONError.Problem
        var offset: Int
    }

    static func accepted(_ text: String) -> JSONCase {
        JSONCase(bytes: Array(text.utf8), error: nil, testDescription: text)
    }

    static func refused(_ text: String, _ problem: JSONError.Problem, at offset: Int) -> JSONCase {
        refused(Array(text.utf8), problem, at: offset, text)
    }

    static func refused(
        _ bytes: [UInt8], _ problem: JSONError.Problem, at offset: Int, _ description: String
    ) -> JSONCase {
        JSONCase(bytes: bytes, error: Refusal(problem: problem, offset: offset), testDescription: description)
    }

    /// Bytes between two quotes; the offset counts from the first of the text.
    static func refusedString(_ content: [UInt8], _ problem: JSONError.Problem, at offset: Int = 1) -> JSONCase {
        refused([0x22] + content + [0x22], problem, at: offset, hexadecimal(content))
    }

    static func acceptedString(_ content: [UInt8]) -> JSONCase {
        JSONCase(bytes: [0x22] + content + [0x22], error: nil, testDescription: hexadecimal(content))
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0, radix: 16) }.joined(separator: " ")
    }

    /// Scans the text alone, in an array and as a member, since each is a way of its own through the scanner.
    func check(sourceLocation: SourceLocation = #_sourceLocation) {
        for (head, tail) in [("", ""), ("[", "]"), ("{\"k\":", "}"), ("{\"a\":[{\"b\":", "}]}")] {
            let text = Array(head.utf8) + bytes + Array(tail.utf8)
            do throws(JSONError) {
                _ = try JSONText(ByteBuffer(bytes: text), nestingMax: 64)
                #expect(error == nil, "taken inside \(head)\(tail)", sourceLocation: sourceLocation)
            } catch let thrown {
                #expect(error != nil, "\(thrown) inside \(head)\(tail)", sourceLocation: sourceLocation)
                guard let error, head.isEmpty else { continue }
                #expect(thrown.problem == error.problem, sourceLocation: sourceLocation)
                #expect(thrown.offset == error.offset, sourceLocation: sourceLocation)
            }
        }
    }
}

extension JSONText {
    /// Reads a literal of a test.
    init(_ text: String, nestingMax: Int = 64) throws(JSONError) {
        try self.init(ByteBuffer(string: text), nestingMax: nestingMax)
    }

    /// The bytes of a range as text.
    func text(_ range: Range<Int>) -> String { String(buffer: slice(range)) }

    /// The keys as they are written, in order.
    var keys: [String] { members.map { text($0.key) } }
}
