import DMSModel
import NIOCore
import Testing

@testable import RedisLink
@testable import Scheduler

/// Answers of scripts that no script of ours gives: an error each, never a trap.
@Suite struct AnswerShapeTests {
    private func look<Value>(
        _ answer: String, _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws -> Value {
        var reader = RedisReader()
        var bytes = ByteBuffer(string: answer.split(separator: " ").joined(separator: "\r\n") + "\r\n")
        try reader.feed(&bytes)
        guard let reply = try reader.next() else { throw RedisError.unexpectedReply("nothing") }
        return try body(reply.view)
    }

    @Test(arguments: ["-1", "9007199254740993", "9223372036854775807"])
    func `a count that nothing can be counted to is refused`(count: String) throws {
        let handOut = "*10 :0 :0 *0 *1 :\(count) *0 :0 *0 :0 *0 :0"
        #expect(throws: RedisError.self) { try look(handOut, HandOutScript.decode) }
        let skipped = "*10 :0 :\(count) *0 *0 *0 :0 *0 :0 *0 :0"
        #expect(throws: RedisError.self) { try look(skipped, HandOutScript.decode) }
        let length = "*6 $1 x :0 :1 :\(count) :0 :0"
        #expect(throws: RedisError.self) { try look(length, ReadTaskScript.decode) }
        let looked = "*4 :\(count) :0 :0 *0"
        #expect(throws: RedisError.self) { try look(looked, IndexTasksScript.decode) }
        let leases = "*13 :0 :0 :0 :\(count) *0" + String(repeating: " $-1", count: 7) + " :0"
        #expect(throws: RedisError.self) { try look(leases, ReadStatsScript.decode) }
    }

    @Test func `counts that add up to more than came are refused`() throws {
        let handOut = "*10 :0 :0 *0 *2 :9007199254740992 :9007199254740992 *0 :0 *0 :0 *0 :0"
        #expect(throws: RedisError.self) { try look(handOut, HandOutScript.decode) }
    }

    @Test func `the same answers with small counts are read`() throws {
        #expect(try look("*10 :0 :3 *0 *1 :0 *0 :0 *0 :0 *0 :0", HandOutScript.decode).skipped == 3)
        #expect(try look("*6 $1 x :0 :1 :1 :2 :3", ReadTaskScript.decode)?.overview.total == 6)
        #expect(try look("*4 :5 :0 :0 *0", IndexTasksScript.decode).looked == 5)
        let leases = "*13 :0 :0 :0 :7 *0" + String(repeating: " $-1", count: 7) + " :0"
        #expect(try look(leases, ReadStatsScript.decode).leased == 7)
    }
}
