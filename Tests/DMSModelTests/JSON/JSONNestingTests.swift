import DMSModel
import NIOCore
import TestSupport
import Testing

/// How deep a text may nest; the scanner keeps its levels in words of 64 bits, so the depths around 64 and 128 count.
@Suite struct JSONNestingTests {
    /// Containers one in another; each letter is one, `o` an object and `a` an array.
    static func nested(_ levels: some Sequence<Character>, innermost: String = "") -> String {
        let levels = Array(levels)
        let heads = levels.enumerated().map { index, level in
            guard level == "o" else { return "[" }
            return index == levels.count - 1 && innermost.isEmpty ? "{" : "{\"k\":"
        }
        return heads.joined() + innermost + String(levels.reversed().map { $0 == "o" ? "}" : "]" })
    }

    static func problem(_ text: String, nestingMax: Int) -> JSONError.Problem? {
        do throws(JSONError) {
            _ = try JSONText(text, nestingMax: nestingMax)
            return nil
        } catch {
            return error.problem
        }
    }

    @Test(arguments: [1, 2, 3, 62, 63, 64, 65, 66, 127, 128, 129, 130, 192, 193, 512, 513])
    func `a text is taken at the limit of nesting and refused one level past it`(depth: Int) {
        var noise = SplitMix(state: UInt64(depth))
        let mixed = (0..<depth).map { _ in Bool.random(using: &noise) ? Character("o") : "a" }
        for levels in [Array(repeating: "a", count: depth), Array(repeating: "o", count: depth), mixed] {
            for innermost in ["", "1", "\"s\""] {
                let text = JSONNestingTests.nested(levels, innermost: innermost)
                #expect(JSONNestingTests.problem(text, nestingMax: depth) == nil)
                #expect(JSONNestingTests.problem(text, nestingMax: depth + 1) == nil)
                #expect(JSONNestingTests.problem(text, nestingMax: depth - 1) == .tooDeep)
            }
        }
    }

    @Test func `the offset of a text that nests too deep is that of the bracket too many`() {
        for (text, offset) in [("[[[]]]", 2), ("{\"a\":[{}]}", 6), ("[1,[2,[3]]]", 6), ("[{\"a\":{}}]", 6)] {
            let error = #expect(throws: JSONError.self) { try JSONText(text, nestingMax: 2) }
            #expect(error?.problem == .tooDeep)
            #expect(error?.offset == offset)
        }
    }

    @Test func `no container is taken where none may be, a scalar always is`() {
        for text in ["{}", "[]", "{\"a\":1}"] { #expect(JSONNestingTests.problem(text, nestingMax: 0) == .tooDeep) }
        for text in ["1", "\"a\"", "null"] { #expect(JSONNestingTests.problem(text, nestingMax: 0) == nil) }
    }

    @Test(arguments: [1, 2, 63, 64, 65, 66, 127, 128, 129])
    func `a container closed by the other bracket is refused at every level`(depth: Int) {
        var noise = SplitMix(state: 7)
        let levels = (0..<depth).map { _ in Bool.random(using: &noise) ? Character("o") : "a" }
        let text = Array(JSONNestingTests.nested(levels, innermost: "0").utf8)
        let opening = text.count - depth
        for level in 0..<depth {
            var wrong = text
            wrong[opening + level] ^= UInt8(ascii: "}") ^ UInt8(ascii: "]")
            let error = #expect(throws: JSONError.self) {
                try JSONText(ByteBuffer(bytes: wrong), nestingMax: depth)
            }
            #expect(error?.problem == .separatorExpected)
            #expect(error?.offset == opening + level)
        }
    }

    @Test func `levels that are left are forgotten, also across a word of the stack`() {
        // Down to 66 through objects, up to 62, down again through arrays, and on: stale bits would show.
        let trunk = String(repeating: "{\"k\":", count: 62)
        let objects = JSONNestingTests.nested("oooo", innermost: "1")
        let arrays = JSONNestingTests.nested("aaaa", innermost: "1")
        let crowd = "{\"x\":\(objects),\"y\":\(arrays),\"z\":[\(objects),\(arrays),\(objects)]}"
        let text = trunk + crowd + String(repeating: "}", count: 62)
        // The trunk, the crowd, the array z and four more.
        #expect(JSONNestingTests.problem(text, nestingMax: 62 + 1 + 1 + 4) == nil)
        #expect(JSONNestingTests.problem(text, nestingMax: 62 + 1 + 1 + 3) == .tooDeep)
    }

    @Test func `members beside each other do not add up`() {
        let members = (0..<200).map { "\"k\($0)\":[[1],{\"a\":[]}]" }.joined(separator: ",")
        #expect(JSONNestingTests.problem("{\(members)}", nestingMax: 4) == nil)
        #expect(JSONNestingTests.problem("{\(members)}", nestingMax: 3) == .tooDeep)
        #expect(JSONNestingTests.problem("[{\(members)}]", nestingMax: 5) == nil)
        #expect(JSONNestingTests.problem("[{\(members)}]", nestingMax: 4) == .tooDeep)
    }

    @Test func `a hundred thousand levels cost no stack`() {
        let depth = 100_000
        for letter: Character in ["a", "o"] {
            let text = JSONNestingTests.nested(Array(repeating: letter, count: depth))
            #expect(JSONNestingTests.problem(text, nestingMax: depth) == nil)
            #expect(JSONNestingTests.problem(String(text.dropLast()), nestingMax: depth) == .unterminated)
            #expect(JSONNestingTests.problem(text, nestingMax: 512) == .tooDeep)
        }
    }
}
