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

    private static func command(_ words: String...) -> String { command(words) }

    private static func command(_ words: [String]) -> String {
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

    @Test func `pieces say what the whole says`() {
        let key = "dms:task:a"
        let commands = [
            Self.command("SET", key, Self.record("queued")),
            Self.command("SET", key, Self.record("dispatched", #","attempt":1"#)),
            Self.command(AppendOnlyMark("7").command),
            Self.command("SET", key, Self.record("queued", #","attempt":1"#)),
        ]
        var pieces = AppendOnlyFile()
        for command in commands { pieces.append(ByteBuffer(string: command)) }
        var bytes = AppendOnlyFile()
        for byte in commands.joined().utf8 { bytes.append(ByteBuffer(bytes: [byte])) }
        let whole = AppendOnlyFile(ByteBuffer(string: commands.joined())).trails
        #expect(whole == ["a": Trail(dispatched: 1, requeued: 1)])
        #expect(pieces.trails == whole && pieces.isComplete)
        #expect(bytes.trails == whole)
    }

    @Test func `where a piece is missing, nothing is said of tasks that were not over before`() {
        var file = AppendOnlyFile()
        for task in ["over", "open"] {
            file.append(ByteBuffer(string: Self.command("SET", "dms:task:\(task)", Self.record("queued"))))
            file.append(
                ByteBuffer(string: Self.command("SET", "dms:task:\(task)", Self.record("dispatched", #","attempt":1"#)))
            )
        }
        file.append(
            ByteBuffer(string: Self.command("SET", "dms:task:over", Self.record("completed", #","attempt":1"#))))
        file.skip(to: ["over", "open", "unseen"])
        for task in ["open", "unseen", "new"] {
            file.append(ByteBuffer(string: Self.command("SET", "dms:task:\(task)", Self.record("queued"))))
        }
        #expect(file.trails == ["over": Trail(dispatched: 1), "new": Trail()])
        #expect(!file.isComplete)
    }

    @Test func `a manifest names the copy of the data and what was written since`() {
        let parts = AppendOnlyParts(
            manifest: """
                file appendonly.aof.2.base.rdb seq 2 type b
                file appendonly.aof.9.incr.aof seq 9 type h
                file appendonly.aof.10.incr.aof seq 10 type i
                file appendonly.aof.11.incr.aof seq 11 type i

                """)
        #expect(parts.base == "appendonly.aof.2.base.rdb")
        #expect(parts.increments == ["appendonly.aof.10.incr.aof", "appendonly.aof.11.incr.aof"])
    }

    @Test func `a mark is found as Redis writes it`() {
        let mark = AppendOnlyMark("7")
        #expect(String(decoding: mark.bytes, as: UTF8.self) == Self.command(mark.command))
    }
}
