import DMSModel
import Testing

@Suite struct QuotedTextTests {
    @Test(arguments: ["x", "é", "€", "😀", "xé", "xx€", "e\u{301}"])
    func `a quotation is cut between code points`(unit: String) {
        let text = String(repeating: unit, count: 1000)
        let quoted = QuotedText.quoted(text)
        #expect(quoted.utf8.count <= QuotedText.bytesMax)
        #expect(quoted.utf8.count > QuotedText.bytesMax - 4)
        #expect(quoted.hasSuffix("…"))
        #expect(text.utf8.starts(with: quoted.utf8.dropLast("…".utf8.count)))
        let short = String(repeating: "x", count: QuotedText.bytesMax)
        #expect(QuotedText.quoted(short) == short)
    }

    @Test(arguments: [
        ("a\nb", #"a\u{A}b"#), ("\u{1B}[31m", #"\u{1B}[31m"#), ("\u{9B}1m", #"\u{9B}1m"#), ("\u{202E}x", #"\u{202E}x"#),
        ("a\u{2028}b", #"a\u{2028}b"#), (#"Umzug "ü""#, #"Umzug "ü""#),
    ])
    func `what a terminal would obey is spelt out`(text: String, quoted: String) {
        #expect(QuotedText.quoted(text) == quoted)
    }
}
