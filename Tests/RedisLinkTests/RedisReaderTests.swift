import NIOCore
import Testing

@testable import RedisLink

/// Gives the reader these bytes in these pieces; answers what it made of them.
private func read(_ pieces: [ByteBuffer]) throws -> [RedisValue] {
    var reader = RedisReader()
    var values: [RedisValue] = []
    for var piece in pieces {
        while piece.readableBytes > 0 {
            try reader.feed(&piece)
            while let reply = try reader.next() { values.append(try RedisValue(reply.view)) }
        }
    }
    return values
}

private func read(_ text: String) throws -> [RedisValue] { try read([ByteBuffer(string: text)]) }

private func bulk(_ text: String) -> RedisValue { .bytes(ByteBuffer(string: text)) }

@Suite struct RedisReaderTests {
    static let samples: [(String, RedisValue)] = [
        ("+OK\r\n", .status("OK")), ("+\r\n", .status("")), (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)), (":9223372036854775807\r\n", .integer(.max)),
        ("$-1\r\n", .null), ("*-1\r\n", .null), ("$0\r\n\r\n", bulk("")), ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
        ("*0\r\n", .array([])), ("-ERR no such\r\n", .error(.reply(code: "ERR", message: "no such"))),
        ("-ERR\r\n", .error(.reply(code: "ERR", message: ""))),
        (
            "*4\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n$-1\r\n-OOM full up\r\n+fine\r\n",
            .array([
                .integer(1), .array([bulk("x"), .array([.null])]), .error(.reply(code: "OOM", message: "full up")),
                .status("fine"),
            ])
        ),
    ]

    @Test(arguments: samples)
    func `every kind of answer is read, wherever it is cut`(text: String, expected: RedisValue) throws {
        let whole = ByteBuffer(string: text + text)
        #expect(try read([whole]) == [expected, expected])
        for cut in 0...whole.readableBytes {
            let first = ByteBuffer(whole.readableBytesView.prefix(cut))
            let rest = ByteBuffer(whole.readableBytesView.dropFirst(cut))
            #expect(try read([first, rest]) == [expected, expected], "cut at \(cut)")
        }
        let bytes = whole.readableBytesView.map { ByteBuffer(bytes: [$0]) }
        #expect(try read(bytes) == [expected, expected])
    }

    @Test(arguments: [1 << 20, 5 << 20, (4 << 10) - 8, 4 << 10])
    func `a long string is read whole, also in small pieces`(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var whole = ByteBuffer(string: "$\(count)\r\n")
        whole.writeBytes(content)
        whole.writeString("\r\n+next\r\n")
        let expected: [RedisValue] = [.bytes(ByteBuffer(bytes: content)), .status("next")]
        #expect(try read([whole]) == expected)
        var pieces: [ByteBuffer] = []
        while let piece = whole.readSlice(length: min(whole.readableBytes, 1371)), piece.readableBytes > 0 {
            pieces.append(piece)
        }
        #expect(try read(pieces) == expected)
    }

    @Test func `eight arrays may be nested`() throws {
        let nested = String(repeating: "*1\r\n", count: 8)
        var expected = RedisValue.integer(1)
        for _ in 0..<8 { expected = .array([expected]) }
        #expect(try read(nested + ":1\r\n") == [expected])
        #expect(throws: RedisProtocolError.self) { try read("*1\r\n" + nested + ":1\r\n") }
    }

    @Test(arguments: ["*2147483647\r\n", "*1048577\r\n", "*1\r\n*1\r\n*2000000000\r\n"])
    func `an array that announces too much is refused before anything is allocated`(text: String) throws {
        let start = ContinuousClock.now
        let error = #expect(throws: RedisProtocolError.self) { try read(text) }
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(error?.description.contains("1048576 elements") == true, "\(String(describing: error))")
    }

    @Test func `an array of as many elements as may be is read`() throws {
        var bytes = ByteBuffer(string: "*1048576\r\n")
        let element = ByteBuffer(string: ":7\r\n")
        for _ in 0..<(1 << 20) { bytes.writeImmutableBuffer(element) }
        let values = try read([bytes])
        guard case .array(let elements)? = values.first else {
            Issue.record("no array")
            return
        }
        #expect(elements.count == 1 << 20)
        #expect(elements.allSatisfy { $0 == .integer(7) })
    }

    @Test(arguments: [
        "hello\r\n", "GET / HTTP/1.1\r\n", "HTTP/1.1 400 Bad Request\r\n", "\r\n", "\u{0}", "%1\r\n", "_\r\n",
        ":abc\r\n", ":1.5\r\n", ":9223372036854775808\r\n", "$abc\r\n", "$-2\r\n", "$1x\r\nab\r\n", "*x\r\n", "*-2\r\n",
        "*1\r\n?\r\n", "*2\r\n:1\r\nx",
    ])
    func `what is no RESP is refused for ever`(text: String) throws {
        #expect(throws: RedisProtocolError.self) { try read(text) }
        var reader = RedisReader()
        var bytes = ByteBuffer(string: text)
        try? reader.feed(&bytes)
        do { _ = try reader.next() } catch {}
        var more = ByteBuffer(string: "+OK\r\n")
        do {
            try reader.feed(&more)
            if try reader.next() != nil { Issue.record("the reader went on") }
            Issue.record("the reader went on")
        } catch {}
    }

    @Test(arguments: ["$3\r\nabcXY", "$0\r\nXY", "*1\r\n$1\r\nab\r\n", "$2\r\na\r\n\r\n"])
    func `a string that does not end where it should is refused`(text: String) {
        let error = #expect(throws: RedisProtocolError.self) { try read(text) }
        #expect(error?.description.contains("does not end") == true)
    }

    @Test(arguments: ["$536870913\r\n", "$9223372036854775807\r\n", "$99999999999999999999999999999"])
    func `a string that announces too much is refused before it is awaited`(text: String) {
        #expect(throws: RedisProtocolError.self) { try read(text) }
        #expect(throws: RedisProtocolError.self) { try read("*2\r\n:1\r\n" + text) }
    }

    @Test func `a string may announce as much as Redis allows`() throws {
        #expect(try read("$536870912\r\nabc").isEmpty)
        #expect(try read("$536870912").isEmpty)
    }

    @Test(arguments: ["+", "-", ":"])
    func `a line without an end is refused`(kind: String) throws {
        let endless = ByteBuffer(string: kind + String(repeating: "1", count: ReplyLimits.lineBytesMax))
        #expect(try read([endless]).isEmpty)
        #expect(throws: RedisProtocolError.self) { try read([endless, ByteBuffer(string: "11")]) }
    }

    @Test(arguments: ["$", "*"])
    func `a length without an end is refused`(kind: String) {
        #expect(throws: RedisProtocolError.self) { try read(kind + String(repeating: "0", count: 64)) }
    }

    @Test func `bytes changed at random are an answer or an error, never a trap`() throws {
        var random = Seeded(state: 0x5EED)
        let stream = Self.samples.map(\.0).joined()
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = Array(stream.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            do {
                _ = try read([ByteBuffer(bytes: bytes[..<cut]), ByteBuffer(bytes: bytes[cut...])])
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }
}

@Suite struct RedisReplyTests {
    private func look<Value>(
        _ text: String, _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws -> Value {
        var reader = RedisReader()
        var bytes = ByteBuffer(string: text)
        try reader.feed(&bytes)
        guard let reply = try reader.next() else { throw RedisError.unexpectedReply("nothing") }
        return try body(reply.view)
    }

    @Test func `elements are read in place`() throws {
        let sum = try look("*3\r\n:1\r\n*2\r\n:20\r\n:300\r\n$4\r\n4000\r\n") { reply throws(RedisError) in
            let inner = try reply[1]
            let text = try reply.element(2) { element throws(RedisError) in try element.decimal() }
            return try reply.integer(at: 0) + inner.integer(at: 0) + inner[1].integer() + text
        }
        #expect(sum == 4321)
        let count = try look("$3\r\na\u{E9}\r\n") { reply throws(RedisError) in
            try reply.withSpan { span throws(RedisError) in span.count }
        }
        #expect(count == 3)
    }

    @Test(arguments: [":1\r\n", "$1\r\nx\r\n", "*0\r\n", "*1\r\n:1\r\n", "$-1\r\n"])
    func `an element that is not there is an error`(text: String) {
        for index in [1, -1, Int.max, Int.min] {
            #expect(throws: RedisError.self) {
                try look(text) { reply throws(RedisError) in try reply.integer(at: index) }
            }
        }
    }

    @Test func `another shape than the expected is an error that says so without the content`() {
        let error = #expect(throws: RedisError.self) {
            try look("$6\r\nsecret\r\n") { reply throws(RedisError) in try reply.integer() }
        }
        #expect(error == .unexpectedReply("an integer was expected, not a string of 6 bytes"))
        #expect(throws: RedisError.self) { try look(":1\r\n") { reply throws(RedisError) in try reply.text() } }
        #expect(throws: RedisError.self) { try look("*0\r\n") { reply throws(RedisError) in try reply.bytes() } }
        #expect(throws: RedisError.self) { try look("$-1\r\n") { reply throws(RedisError) in try reply.bytes() } }
        #expect(throws: RedisError.self) {
            try look("$1\r\nx\r\n") { reply throws(RedisError) in try reply.map { _ throws(RedisError) in 1 } }
        }
        #expect(throws: RedisError.self) {
            try look("$2\r\n1x\r\n") { reply throws(RedisError) in try reply.decimal() }
        }
    }

    @Test func `an error inside an array is reachable, and thrown where a value was expected`() throws {
        let expected = RedisError.reply(code: "WRONGTYPE", message: "Operation against a key")
        let text = "*2\r\n:1\r\n-WRONGTYPE Operation against a key\r\n"
        #expect(try look(text) { reply throws(RedisError) in try reply[1].error } == expected)
        #expect(throws: expected) { try look(text) { reply throws(RedisError) in try reply[1].integer() } }
        #expect(throws: expected) { try look(text) { reply throws(RedisError) in try reply[1].bytes() } }
        #expect(throws: expected) { try look(text) { reply throws(RedisError) in try reply[1][0].bytes() } }
    }

    @Test func `null is nil where that is allowed`() throws {
        #expect(try look("$-1\r\n") { reply throws(RedisError) in try reply.optionalBytes() } == nil)
        #expect(try look("$1\r\nx\r\n") { reply throws(RedisError) in try reply.optionalText() } == "x")
        #expect(try look("*1\r\n$-1\r\n") { reply throws(RedisError) in try reply.optionalBytes(at: 0) } == nil)
    }

    @Test func `bytes that are no UTF-8 are kept as bytes and repaired as text`() throws {
        var reader = RedisReader()
        var bytes = ByteBuffer(bytes: Array("$2\r\n".utf8) + [0xFF, 0x00] + Array("\r\n".utf8))
        try reader.feed(&bytes)
        guard let reply = try reader.next() else {
            Issue.record("no answer")
            return
        }
        #expect(try reply.view.bytes() == ByteBuffer(bytes: [0xFF, 0x00]))
        #expect(try reply.view.text() == "\u{FFFD}\u{0}")
    }
}

/// SplitMix64: the same numbers in every run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
