import DMSModel
import NIOCore
import Testing

/// What is JSON by RFC 8259 and what is not: values, numbers, structure and white space.
@Suite struct JSONGrammarTests {
    @Test(
        arguments: [
            "true", "false", "null", "\"\"", "[]", "{}", " \t\r\n[ \t\r\n] \t\r\n", "[1,2,3]", "[[],{},\"\",0]",
            "{\"a\":1}", "{\"a\":{\"b\":[{}]},\"c\":null}", "{\"\":0}", "{\"a\":1,\"a\":2}", "[ 1 , 2 ]",
            "{ \"a\" : 1 , \"b\" : 2 }", "[true,false,null]",
        ].map(JSONCase.accepted))
    func `values and structure are taken`(text: JSONCase) { text.check() }

    @Test(
        arguments: [
            "0", "-0", "1", "-1", "10", "1234567890", "0.0", "-0.5", "1.25", "0e0", "0E+0", "1e5", "1E5", "1e+5",
            "1e-5", "1.5e300", "123456789012345678901234567890", "1e400", "-1e-400", "0.1000000000000000000000001",
            "1e00", "1.0E-007",
        ].map(JSONCase.accepted))
    func `numbers of any size and precision are taken`(text: JSONCase) { text.check() }

    @Test(arguments: [
        JSONCase.refused("-", .badNumber, at: 0), .refused("--1", .badNumber, at: 0),
        .refused("-a", .badNumber, at: 0), .refused("1.", .badNumber, at: 0), .refused("1.e1", .badNumber, at: 0),
        .refused("-.5", .badNumber, at: 0), .refused("1e", .badNumber, at: 0), .refused("1e+", .badNumber, at: 0),
        .refused("1e+-1", .badNumber, at: 0), .refused("1E.5", .badNumber, at: 0), .refused("00", .endExpected, at: 1),
        .refused("01", .endExpected, at: 1), .refused("-01", .endExpected, at: 2),
        .refused("1_000", .endExpected, at: 1),
        .refused("0x1F", .endExpected, at: 1), .refused("1.2.3", .endExpected, at: 3),
        .refused("1e5.5", .endExpected, at: 3), .refused("1 2", .endExpected, at: 2),
        .refused("1f", .endExpected, at: 1), .refused("+1", .valueExpected, at: 0),
        .refused(".5", .valueExpected, at: 0),
        .refused("١", .valueExpected, at: 0), .refused("-١", .badNumber, at: 0),
    ])
    func `numbers in other spellings are refused`(text: JSONCase) { text.check() }

    @Test(
        arguments: [
            "NaN", "Infinity", "-Infinity", "-NaN", "nan", "undefined", "None", "True", "TRUE", "nul", "tru", "fals",
            "n",
            "'a'", "a", "@", "\\u0031", "/**/1", "//1", "#1", "\u{A0}1", "\u{2028}1", "\u{FEFF}1", "\u{0}1", "\u{B}1",
            "\u{C}1", "*", "$",
        ])
    func `what other languages take for a value is refused`(text: String) {
        let problem: JSONError.Problem = text.hasPrefix("-") ? .badNumber : .valueExpected
        JSONCase.refused(text, problem, at: 0).check()
    }

    @Test(arguments: [
        JSONCase.refused("[1,]", .valueExpected, at: 3), .refused("[,]", .valueExpected, at: 1),
        .refused("[,1]", .valueExpected, at: 1), .refused("[1,,2]", .valueExpected, at: 3),
        .refused("[1 2]", .separatorExpected, at: 3), .refused("[1:2]", .separatorExpected, at: 2),
        .refused("[1}", .separatorExpected, at: 2), .refused("[\"a\":1]", .separatorExpected, at: 4),
        .refused("[01]", .separatorExpected, at: 2), .refused("[1.]", .badNumber, at: 1),
        .refused("[nulll]", .separatorExpected, at: 5), .refused("[\"\"\"]", .separatorExpected, at: 3),
        .refused("[]]", .endExpected, at: 2), .refused("[][]", .endExpected, at: 2),
        .refused("[],", .endExpected, at: 2), .refused("{},", .endExpected, at: 2),
        .refused("{}}", .endExpected, at: 2),
        .refused("]", .valueExpected, at: 0), .refused("}", .valueExpected, at: 0),
        .refused(",", .valueExpected, at: 0),
        .refused(":", .valueExpected, at: 0), .refused("[1]x", .endExpected, at: 3),
        .refused("[1]\u{0}", .endExpected, at: 3), .refused("[1]// end", .endExpected, at: 3),
        .refused("[\u{B}1]", .valueExpected, at: 1), .refused("[\u{A0}]", .valueExpected, at: 1),
    ])
    func `arrays in other spellings are refused`(text: JSONCase) { text.check() }

    @Test(arguments: [
        JSONCase.refused("{\"a\":1,}", .keyExpected, at: 7), .refused("{,}", .keyExpected, at: 1),
        .refused("{\"a\":1,,\"b\":2}", .keyExpected, at: 7), .refused("{a:1}", .keyExpected, at: 1),
        .refused("{'a':1}", .keyExpected, at: 1), .refused("{1:1}", .keyExpected, at: 1),
        .refused("{null:1}", .keyExpected, at: 1), .refused("{[]:1}", .keyExpected, at: 1),
        .refused("{{}:1}", .keyExpected, at: 1), .refused("{\"a\"}", .colonExpected, at: 4),
        .refused("{\"a\",1}", .colonExpected, at: 4), .refused("{\"a\" 1}", .colonExpected, at: 5),
        .refused("{\"a\"=1}", .colonExpected, at: 4), .refused("{\"a\":}", .valueExpected, at: 5),
        .refused("{\"a\"::1}", .valueExpected, at: 5), .refused("{\"a\":,}", .valueExpected, at: 5),
        .refused("{\"a\":1 \"b\":2}", .separatorExpected, at: 7),
        .refused("{\"a\":1;\"b\":2}", .separatorExpected, at: 6),
        .refused("{\"a\":1]", .separatorExpected, at: 6), .refused("{\"a\":1:2}", .separatorExpected, at: 6),
        .refused("{\"a\" \"b\":1}", .colonExpected, at: 5), .refused("{/**/}", .keyExpected, at: 1),
        .refused("{\"a\":1}{}", .endExpected, at: 7), .refused("{\"a\":1}#", .endExpected, at: 7),
    ])
    func `objects in other spellings are refused`(text: JSONCase) { text.check() }

    @Test(arguments: [
        "", " ", "\n\t ", "[", "[1", "[1,", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "\"", "\"a", "\"\\",
        "[[]",
    ])
    func `a text that ends too early is refused where it ends`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONText(text) }
        #expect(error?.problem == .unterminated)
        #expect(error?.offset == text.utf8.count)
    }

    @Test func `a byte order mark is refused, in UTF-8 as in UTF-16`() {
        for bytes: [UInt8] in [
            [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0xFE, 0xFF, 0, 0x7B, 0, 0x7D], [0xFF, 0xFE, 0x7B, 0],
        ] {
            let error = #expect(throws: JSONError.self) { try JSONText(ByteBuffer(bytes: bytes), nestingMax: 64) }
            #expect(error?.problem == .valueExpected)
            #expect(error?.offset == 0)
        }
    }

    @Test func `only the four white space characters of the RFC stand between tokens`() {
        for byte in UInt8.min...UInt8.max {
            let text = ByteBuffer(bytes: Array("[1,".utf8) + [byte] + Array("2]".utf8))
            let isTaken = (try? JSONText(text, nestingMax: 8)) != nil
            // A minus sign or a digit but 0 in that place makes another number.
            let expected = [0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: "-")].contains(byte) || (0x31...0x39).contains(byte)
            #expect(isTaken == expected, "byte \(byte)")
        }
    }
}
