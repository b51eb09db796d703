import DMSModel
import NIOCore
import Testing

/// What a checked text says of itself: its root, its members, and the bytes of each.
@Suite struct JSONTextTests {
    @Test func `the root is the value without the white space around it`() throws {
        for (text, kind) in [
            ("{\"a\":1}", JSONKind.object), ("[1]", .array), ("\"s\"", .string), ("-1.5e3", .number), ("true", .true),
            ("false", .false), ("null", .null),
        ] {
            let json = try JSONText(" \n\(text)\t\r")
            #expect(json.root.range == 2..<2 + text.utf8.count)
            #expect(json.root.kind == kind)
            #expect(json.text(json.root.range) == text)
            #expect(json.members.count == (kind == .object ? 1 : 0))
        }
    }

    @Test func `members keep their order, kinds and text`() throws {
        let json = try JSONText(
            #"{"a":{"x":[1]},"b":[{}],"c":"s\n","d":1e400,"e":true,"f":false,"g":null,"h":{},"i":[]}"#)
        #expect(json.keys == ["a", "b", "c", "d", "e", "f", "g", "h", "i"])
        let kinds: [JSONKind] = [.object, .array, .string, .number, .true, .false, .null, .object, .array]
        #expect(json.members.map(\.value.kind) == kinds)
        let texts = [#"{"x":[1]}"#, "[{}]", #""s\n""#, "1e400", "true", "false", "null", "{}", "[]"]
        #expect(json.members.map { json.text($0.value.range) } == texts)
        #expect(json.members.map { json.text($0.slot) } == texts)
    }

    @Test func `a slot keeps the white space around a value, the value does not`() throws {
        let json = try JSONText(" { \"a\" : \n{ \"b\" : 1 }\t , \"c\":  2  } ")
        #expect(json.members.map { json.text($0.slot) } == [" \n{ \"b\" : 1 }\t ", "  2  "])
        #expect(json.members.map { json.text($0.value.range) } == ["{ \"b\" : 1 }", "2"])
        #expect(json.members.map { json.text($0.key) } == ["a", "c"])
        #expect(json.text(json.root.range) == "{ \"a\" : \n{ \"b\" : 1 }\t , \"c\":  2  }")
    }

    @Test func `of members with the same key the last counts, all are kept`() throws {
        let json = try JSONText(#"{"a":1,"b":2,"\u0061":3,"a":4,"c":5}"#)
        #expect(json.members.count == 5)
        #expect(json["a"].map { json.text($0.value.range) } == "4")
        #expect(try JSONText(#"{"a":1,"\u0061":3}"#)["a"]?.value.range == 16..<17)
    }

    @Test func `a key is found however it is escaped`() throws {
        for (key, name) in [
            (#"task_id"#, "task_id"), (#"\u0074ask\u005Fid"#, "task_id"), (#"a\/b"#, "a/b"),
            (#"\"\\\b\f\n\r\t"#, "\"\\\u{8}\u{C}\n\r\t"),
            (#"\ud83d\ude00"#, "😀"), ("😀", "😀"), (#"\u00e9"#, "\u{E9}"), (#"e\u0301"#, "e\u{301}"),
            (#"\u0000"#, "\u{0}"), ("", ""),
            (#"\uDBFF\uDFFF"#, "\u{10FFFF}"), (#"\u07ff\u0800\uffff"#, "\u{7FF}\u{800}\u{FFFF}"),
        ] {
            let json = try JSONText("{\"\(key)\":1}")
            #expect(json[name] != nil, "\(key)")
            #expect(json[name + "x"] == nil)
            #expect(json["x" + name] == nil)
            if !name.isEmpty { #expect(json[String(name.unicodeScalars.dropLast())] == nil) }
            #expect(json.keys == [key])
        }
    }

    @Test func `keys are compared byte for byte, not as Unicode sees them`() throws {
        let json = try JSONText(#"{"\u00e9":1,"e\u0301":2,"\u212b":3,"A":4}"#)
        #expect(json["\u{E9}"].map { json.text($0.value.range) } == "1")
        #expect(json["e\u{301}"].map { json.text($0.value.range) } == "2")
        #expect(json["\u{212B}"].map { json.text($0.value.range) } == "3")
        #expect(json["\u{C5}"] == nil)
        #expect(json["a"] == nil)
    }

    @Test func `only members of the outermost object are found`() throws {
        #expect(try JSONText(#"{"a":{"b":1}}"#)["b"] == nil)
        #expect(try JSONText(#"[{"a":1}]"#)["a"] == nil)
        #expect(try JSONText("1")["a"] == nil)
        #expect(try JSONText(#"{"a":"b"}"#)["b"] == nil)
    }

    @Test func `a string member is its decoded text; any other kind is none`() throws {
        let json = try JSONText(
            #"{"s":"\u00e9\ud83d\ude00\n\/\"x€","e":"","n":1,"t":true,"z":null,"a":["s"],"o":{"s":"s"}}"#)
        #expect(json.stringMember("s") == "\u{E9}😀\n/\"x€")
        #expect(json.stringMember("e")?.isEmpty == true)
        for name in ["n", "t", "z", "a", "o", "missing"] { #expect(json.stringMember(name) == nil) }
    }

    @Test func `offsets count from the first readable byte, wherever the buffer stands`() throws {
        var buffer = ByteBuffer(string: "]]]{\"a\": [1] }")
        buffer.moveReaderIndex(forwardBy: 3)
        let json = try JSONText(buffer, nestingMax: 2)
        #expect(json.root.range == 0..<11)
        #expect(json["a"].map { json.text($0.value.range) } == "[1]")
        #expect(json["a"].map { json.text($0.slot) } == " [1] ")
        buffer = ByteBuffer(string: "]]]{\"a\":}")
        buffer.moveReaderIndex(forwardBy: 3)
        let error = #expect(throws: JSONError.self) { try JSONText(buffer, nestingMax: 2) }
        #expect(error?.offset == 5)
    }

    @Test func `a mebibyte of members is read`() throws {
        let member = "\"key\":\"value with é and \\u00e9\""
        let text = "{" + Array(repeating: member, count: 32_768).joined(separator: ",") + "}"
        let json = try JSONText(text)
        #expect(text.utf8.count > 1 << 20)
        #expect(json.members.count == 32_768)
        #expect(json["key"]?.value.range.upperBound == text.utf8.count - 1)
    }
}
