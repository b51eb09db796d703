import Testing

@testable import dms_scheduler

/// What a `.env` file says, form by form.
@Suite struct DotEnvFileTests {
    private static func value(of line: String) throws -> String {
        let assignments = try DotEnvFile("# first\n\n\(line)\nLAST=1\n").assignments
        let names = assignments.map(\.name)
        let lines = assignments.map(\.line)
        let rows = line.count { $0 == "\n" }
        #expect(names == ["NAME", "LAST"])
        #expect(lines == [3, 4 + rows])
        return try #require(assignments.first).value
    }

    @Test(
        arguments: [
            ("NAME=a", "a"), ("NAME=", ""), ("NAME= ", ""), ("  NAME=a  ", "a"), ("\tNAME\t=\ta\t", "a"),
            ("NAME = a b ", "a b"),
            ("export NAME=a", "a"), ("export\t NAME = a", "a"), ("NAME=a=b", "a=b"), ("NAME=\"a", nil),
            // A comment needs white space in front.
            ("NAME=a#b", "a#b"), ("NAME=a #b", "a"), ("NAME=a\t# b # c", "a"), ("NAME=#a", "#a"), ("NAME= #a", ""),
            // Quotes keep what is in them, and are no part of it.
            ("NAME=\"a\"", "a"), ("NAME='a'", "a"), ("NAME = ' a ' # b", " a "), ("NAME=\" a # b \"#c", " a # b "),
            ("NAME=\"\"", ""),
            ("NAME=''", ""), ("NAME='say \"a\"'", "say \"a\""), ("NAME=\"it's\"", "it's"), ("NAME=it's", "it's"),
            ("NAME=a\"b\"", "a\"b\""),
            // Escapes count in double quotes; in single ones only the quote's.
            (#"NAME="a\nb\rc\td\\e\"f\$g\x""#, "a\nb\rc\td\\e\"f$g\\x"), (#"NAME='a\nb\'c'"#, #"a\nb'c"#),
            (#"NAME=a\nb"#, #"a\nb"#),
            ("NAME=\"a\nb\"", "a\nb"), ("NAME='a\n\nb'  # c", "a\n\nb"), ("NAME=é\u{301} \u{A0}", "é\u{301}"),
        ] as [(String, String?)])
    func `a value is what dotenv libraries read`(_ line: String, _ value: String?) throws {
        guard let value else {
            #expect(throws: DotEnvFile.Mistake.self) { try DotEnvFileTests.value(of: line) }
            return
        }
        #expect(try DotEnvFileTests.value(of: line) == value)
    }

    @Test(arguments: [
        ("NAME", 1), ("A=1\nexport NAME\n", 2), ("A=1\n\n# c\n=a", 4), ("a b=c", 1), ("A=1\nNAME: a", 2),
        ("NAME\u{A0}a=b", 1),
        ("A=\"x\ny\"\nset NAME=a", 3), ("A='x\nB=1\n", 1), ("A=\"x\\\"\nB=1", 1), ("A=1\nB=\"x\" y", 2), ("A=`x`", 1),
        ("\u{200B}NAME=a", 1), ("A=1\nN\0A=1", 2), ("DMS_É=1", 1), ("{\"A\":1}", 1),
        ("A=1\nexport=1\nexport =1\nexport", 4),
    ])
    func `a line of another form is told by its number`(_ text: String, _ line: Int) throws {
        let mistake = try #require(throws: DotEnvFile.Mistake.self) { try DotEnvFile(text) }
        #expect(mistake.line == line)
    }

    @Test(arguments: [
        ("A=x${B}", true), ("A=\"x${B}\"", true), ("A='x${B}'", false), ("A=\"x\\${B}\"", false), ("A=x$B", false),
        ("A=$", false),
    ])
    func `a value with a variable in it is known`(_ text: String, _ namesVariable: Bool) throws {
        #expect(try DotEnvFile(text).assignments.map(\.namesVariable) == [namesVariable])
    }

    @Test func `a file with nothing in it says nothing`() throws {
        for text in ["", "\n", " \n\t\n", "# a", "#\n # DMS_HTTP_PORT=1"] {
            #expect(try DotEnvFile(text).assignments.isEmpty)
        }
    }
}
