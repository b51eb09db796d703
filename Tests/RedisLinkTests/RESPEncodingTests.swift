import NIOCore
import Testing

@testable import RedisLink

@Suite struct RESPEncodingTests {
    @Test(arguments: [0, 7, 9, 10, 99, 100, 1_000_000, -1, -10, Int.max, Int.min, 1_234_567_890])
    func `an integer is written as its digits`(value: Int) {
        var buffer = ByteBuffer()
        buffer.writeRESPString(value)
        #expect(String(buffer: buffer) == "$\("\(value)".utf8.count)\r\n\(value)\r\n")
    }

    @Test func `a command counts its words and their bytes`() {
        var command = RedisCommand("SET", arguments: 2)
        command.append("schlüssel")
        command.append(ByteBuffer(string: "a\r\nb"))
        command.append(.integer(-5))
        #expect(command.wordCount == 4)
        #expect(String(buffer: command.words) == "$3\r\nSET\r\n$10\r\nschlüssel\r\n$4\r\na\r\nb\r\n$2\r\n-5\r\n")
        #expect(RedisCommand(["GET", "a"]).words == RedisCommand("GET", "a").words)
    }

    @Test func `keys are written once for all calls, with and without keys of a call's own`() {
        let keys: RedisKeys = ["a", "bc"]
        #expect(keys.count == 2)
        var words = RedisArguments(buffer: ByteBuffer())
        words.writeKeys(keys, callKeys: 0)
        #expect(String(buffer: words.buffer) == "$1\r\n2\r\n$1\r\na\r\n$2\r\nbc\r\n")
        var more = RedisArguments(buffer: ByteBuffer())
        more.writeKeys(keys, callKeys: 10)
        #expect(String(buffer: more.buffer) == "$2\r\n12\r\n$1\r\na\r\n$2\r\nbc\r\n")
    }
}
