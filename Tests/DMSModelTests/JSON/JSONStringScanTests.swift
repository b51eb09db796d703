import DMSModel
import NIOCore
import Testing

/// What may stand between the quotes of a string: escapes, surrogates, control characters and UTF-8.
@Suite struct JSONStringScanTests {
    @Test(
        arguments: [
            #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9\u00E9\uABCD\uabcd""#, #""\ud834\udd1e""#,
            #""\uDBFF\uDFFF""#,
            #""\ud7ff\ue000\uffff""#, #""\ufeff\ufffe""#, #""\ud800\udc00x""#, #""\\u12""#, #""\\ud800""#, "\"a'b/c\"",
            "\"\u{7F}\u{80}\u{2028}\u{2029}\u{FEFF}\u{FFFF}\"", "\"{[,:]}\"",
        ].map(JSONCase.accepted))
    func `strings and their escapes are taken`(text: JSONCase) { text.check() }

    @Test(arguments: [
        JSONCase.refused(#""\a""#, .badEscape, at: 1), .refused(#""\'""#, .badEscape, at: 1),
        .refused(#""\0""#, .badEscape, at: 1), .refused(#""\x41""#, .badEscape, at: 1),
        .refused(#""\U0041""#, .badEscape, at: 1), .refused(#""\N""#, .badEscape, at: 1),
        .refused("\"\\\n\"", .badEscape, at: 1), .refused("\"\\é\"", .badEscape, at: 1),
        .refused(#""\u""#, .badEscape, at: 1), .refused(#""\u123""#, .badEscape, at: 1),
        .refused(#""\u12 4""#, .badEscape, at: 1), .refused(#""\u00g0""#, .badEscape, at: 1),
        .refused(#""\u+123""#, .badEscape, at: 1), .refused(#""\u-123""#, .badEscape, at: 1),
        .refused(#""\u{41}""#, .badEscape, at: 1), .refused(#""ab\q""#, .badEscape, at: 3),
        .refused(#""\u１２３４""#, .badEscape, at: 1), .refused(#""\ud834\ud""#, .badEscape, at: 1),
    ])
    func `unknown and cut escapes are refused`(text: JSONCase) { text.check() }

    @Test(
        arguments: [
            #""\ud800""#, #""\udbff""#, #""\udc00""#, #""\udfff""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\\udc00""#,
            #""\ud800\ud800""#, #""\ud800\u0041""#, #""\udc00\ud800""#, #""\ud800 \udc00""#, #""\ud800\ue000""#,
            #""\ud800\udbff""#,
        ])
    func `an escape that is half of a surrogate pair is refused`(text: String) {
        JSONCase.refused(text, .loneSurrogate, at: 1).check()
    }

    @Test func `every control character must be escaped, and nothing else`() {
        for byte in UInt8(0)..<0x20 { JSONCase.refusedString([byte], .controlCharacter).check() }
        for byte in UInt8(0x20)..<0x80 where byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
            JSONCase.acceptedString([byte]).check()
        }
    }

    @Test func `the first and the last character of each length of UTF-8 are taken`() {
        for scalar: Unicode.Scalar in [
            "\u{80}", "\u{7FF}", "\u{800}", "\u{FFF}", "\u{1000}", "\u{CFFF}", "\u{D7FF}", "\u{E000}", "\u{FFFF}",
            "\u{10000}", "\u{3FFFF}", "\u{40000}", "\u{FFFFF}", "\u{100000}", "\u{10FFFF}",
        ] { JSONCase.acceptedString(Array(String(scalar).utf8)).check() }
    }

    @Test(
        arguments: [
            // Continuation bytes with nothing before them, and bytes that are never UTF-8.
            [0x80], [0xBF], [0xC0], [0xC1], [0xF5], [0xF8], [0xFC], [0xFE], [0xFF],
            // Longer than need be: "/", NUL, U+007F, U+07FF, U+FFFF.
            [0xC0, 0xAF], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF], [0xF0, 0x80, 0x80, 0xAF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF8, 0x80, 0x80, 0x80, 0xAF],
            // Surrogates.
            [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
            [0xED, 0xA0, 0xB4, 0xED, 0xB4, 0x9E],
            // Past U+10FFFF.
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF],
            // Cut by the closing quote, or by another character.
            [0xC3], [0xE2], [0xE2, 0x82], [0xF0], [0xF0, 0x9F], [0xF0, 0x9F, 0x98], [0xC3, 0x28], [0xE2, 0x28, 0xAC],
            [0xE2, 0x82, 0x28], [0xF0, 0x28, 0x98, 0x80], [0xF0, 0x9F, 0x28, 0x80], [0xF0, 0x9F, 0x98, 0x28],
            [0xE2, 0x82, 0xC3, 0xA9], [0xC3, 0xC3, 0xA9],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        JSONCase.refusedString(bytes, .badUTF8).check()
        JSONCase.refusedString(Array("é".utf8) + bytes, .badUTF8, at: 3).check()
    }

    @Test func `a character that the end of the text cuts is refused`() {
        for text in ["é", "€", "😀"] {
            let whole = [UInt8(ascii: "\"")] + Array(text.utf8)
            for count in 2..<whole.count {
                let error = #expect(throws: JSONError.self) {
                    try JSONText(ByteBuffer(bytes: whole.prefix(count)), nestingMax: 1)
                }
                #expect(error?.problem == .badUTF8)
                #expect(error?.offset == 1)
            }
        }
    }

    @Test func `of all two-byte and three-byte sequences exactly the valid ones are taken`() {
        // Swift's own decoder is the measure: it puts U+FFFD where bytes are no character.
        func agree(_ bytes: [UInt8]) {
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            let text = ByteBuffer(bytes: [0x22] + bytes + [0x22])
            let isTaken = (try? JSONText(text, nestingMax: 1)) != nil
            if isTaken != isValid { Issue.record("taken: \(isTaken), valid: \(isValid): \(bytes)") }
        }
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0x80)...0xFF {
                agree([first, second])
                for third: UInt8 in [0x80, 0xBF, 0xC0, 0x41] {
                    agree([first, second, third])
                    agree([first, second, third, 0x80])
                }
            }
        }
    }
}
