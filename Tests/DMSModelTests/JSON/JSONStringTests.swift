import DMSModel
import Foundation
import NIOCore
import TestSupport
import Testing

/// Strings written as JSON.
@Suite struct JSONStringTests {
    @Test func `only quotes, backslashes and control characters are escaped`() {
        for (text, expected) in [
            ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/d", #""a\"b\\c/d""#),
            ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#),
            ("\u{0}\u{1}\u{B}\u{F}\u{10}\u{1F}", #""\u0000\u0001\u000b\u000f\u0010\u001f""#),
            ("é€😀\u{7F}\u{2028}", "\"é€😀\u{7F}\u{2028}\""), ("e\u{301}\n", "\"e\u{301}\\n\""),
        ] { #expect(Array(JSONString.encode(text).readableBytesView) == Array(expected.utf8)) }
    }

    @Test func `a string is written behind what the buffer holds`() {
        var buffer = ByteBuffer(string: "{\"a\":")
        JSONString.write("b\n", into: &buffer)
        #expect(String(buffer: buffer) == #"{"a":"b\n""#)
    }

    @Test func `every character goes round`() throws {
        for start in stride(from: UInt32(0), to: 0x11_0000, by: 0x400) {
            let scalars = (start..<start + 0x400).compactMap { Unicode.Scalar($0) }
            guard !scalars.isEmpty else { continue }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            let json = try JSONText(JSONString.encode(String(text)), nestingMax: 0)
            #expect(json.string(json.root).utf8.elementsEqual(String(text).utf8), "from U+\(String(start, radix: 16))")
        }
    }

    @Test func `every character is decoded from its escape`() throws {
        for start in stride(from: UInt32(0), to: 0x11_0000, by: 0x400) {
            let scalars = (start..<start + 0x400).compactMap { Unicode.Scalar($0) }
            guard !scalars.isEmpty else { continue }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            let escapes = String(text).utf16.map { unit in
                let digits = String(unit, radix: 16, uppercase: unit & 1 == 0)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
            let json = try JSONText("\"\(escapes.joined())\"", nestingMax: 0)
            #expect(json.string(json.root).utf8.elementsEqual(String(text).utf8), "from U+\(String(start, radix: 16))")
        }
    }

    @Test func `strings of random characters are read by Foundation as they were written`() throws {
        var noise = SplitMix(state: 42)
        let alphabet = ["\"", "\\", "/", "\u{0}", "\u{1F}", "\n", "a", "é", "e\u{301}", "€", "😀", "\u{2028}", "u", "0"]
        for _ in 0..<500 {
            let text = (0..<Int.random(in: 0...20, using: &noise))
                .compactMap { _ in alphabet.randomElement(using: &noise) }.joined()
            let written = Data(JSONString.encode(text).readableBytesView)
            let read = try JSONSerialization.jsonObject(with: written, options: .fragmentsAllowed) as? String
            #expect(read.map { Array($0.utf8) } == Array(text.utf8))
        }
    }
}
