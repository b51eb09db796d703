import FaultLedger
import NIOCore
import Testing

@Suite struct AppendOnlyFileTests {
    private static func record(_ status: String, _ later: String = "") -> String {
        let time = "2026-11-24T10:11:12.123456Z"
        return
            #"{"task_id":"a","service":"copy","user_id":"ada","parameters":{},"priority":"low","status":"\#(status)","#
            + #""enqueued_at":"\#(time)","updated_at":"\#(time)"\#(later)}"#
    }

    private static func command(_ words: String...) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    @Test func `a task's way is read from the writes to its record`() {
        let key = "dms:task:a"
        let file =
            "#TS:1795561251\r\n" + Self.command("SELECT", "0")
            + Self.command("MSET", key, Self.record("queued"), "dms:task:b", Self.record("queued"))
            + Self.command("SET", key, Self.record("dispatched", #","attempt":1"#))
            + Self.command("SET", key, Self.record("queued"))
            + Self.command("SET", key, Self.record("dispatched", #","attempt":1"#))
            + Self.command("SET", key, Self.record("queued", #","attempt":1"#))
            + Self.command("RPUSH", "dms:queue:low", "a")
        let trails = AppendOnlyFile(ByteBuffer(string: file)).trails
        #expect(trails == ["a": Trail(dispatched: 2, undelivered: 1, requeued: 1), "b": Trail()])
    }

    @Test func `a write that a crash cut short is left out`() {
        let whole = Self.command("SET", "dms:task:a", Self.record("queued"))
        let cut = Self.command("SET", "dms:task:a", Self.record("dispatched", #","attempt":1"#)).dropLast(20)
        #expect(AppendOnlyFile(ByteBuffer(string: whole + cut)).trails == ["a": Trail()])
    }
}
