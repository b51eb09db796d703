import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@Suite struct OutageTests {
    @Test func `without Redis every call says so, and with it again everything is as it was`() async throws {
        try await TestRedis.with(persistent: true) { redis in
            try await Harness.with(redis) { pool in
                let harness = Harness(redis: redis, pool: pool)
                for id in ["a", "b"] { try await harness.enqueue(id, parameters: #"{"n":1e400}"#) }
                try await redis.kill()
                // Calls go to the two event loops in turn: each has to know.
                try await eventually {
                    for _ in 0..<2 {
                        let refusal = try await Harness.refusal { try await harness.enqueue("c") }
                        guard refusal == .storeUnavailable else { return false }
                    }
                    return true
                }
                for refusal in [
                    try await Harness.refusal { _ = try await harness.next() },
                    try await Harness.refusal { _ = try await harness.get("a") },
                    try await Harness.refusal { _ = try await harness.cancel("a") },
                    try await Harness.refusal { _ = try await harness.setPriority("a", .high) },
                    try await Harness.refusal { _ = try await harness.statistics() },
                    try await Harness.refusal { try await pool.call { $0.checkStore() } },
                ] {
                    #expect(refusal == .storeUnavailable)
                }
                try await redis.start()
                try await pool.ready(within: .seconds(10))
                #expect(try await harness.get("b").queuePosition?.positionInPriority == 2)
                #expect(
                    try await harness.next(10).map { String(buffer: $0.parameters) } == [
                        #"{"n":1e400}"#, #"{"n":1e400}"#,
                    ])
            }
        }
    }

    @Test func `a Redis that stops answering leaves a write's outcome unknown, and a read unavailable`() async throws {
        // Long enough for the calls to be sent before the link is given up for what was sent before them.
        try await Harness.with(configure: { $0.redis.commandTimeout = .seconds(2) }) {
            (harness: Harness) async throws in
            try await harness.enqueue("a")
            harness.redis.pause()
            async let write = Harness.refusal { _ = try await harness.next() }
            async let read = Harness.refusal { _ = try await harness.get("a") }
            #expect(try await write == .outcomeUnknown)
            #expect(try await [.storeUnavailable].contains(read))
            try await harness.resumeRedis()
            // It was in Redis's socket already, so it was done.
            try await eventually { try await harness.get("a").record.status == .dispatched }
        }
    }

    @Test func `scripts that Redis forgot are loaded again on the way`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            try await harness.redis.call("SCRIPT", "FLUSH")
            #expect(try await harness.get("a").queuePosition?.globalPosition == 1)
            try await harness.redis.call("SCRIPT", "FLUSH")
            try await harness.enqueue("b")
            #expect(try await harness.nextIDs(5) == ["a", "b"])
        }
    }

    @Test func `reads go to the reader, and what is not there yet is looked for at the writer`() async throws {
        try await TestRedis.with { reader in
            try await reader.lagBehind()
            try await Harness.with(configure: { $0.reader = reader.url }) { (harness: Harness) async throws in
                try await harness.enqueue("a")
                // The other server knows nothing yet.
                #expect(try await harness.get("a").queuePosition?.globalPosition == 1)
                #expect(try await harness.statistics().queued == 0)
                #expect(try await Harness.refusal { _ = try await harness.get("b") } == .taskNotFound)
                // It replicates with a delay: an older state is an answer, too.
                let record = try #require(try await harness.text("GET", "dms:task:a"))
                try await reader.call("SET", "dms:task:a", record.replacing("copy", with: "seen"))
                try await reader.call("RPUSH", "dms:queue:low", "a")
                try await reader.call("ZADD", "dms:positions:low", "1", "a")
                #expect(try await harness.get("a").record.service == "seen")
                // An index that is wrong at the reader is mended where it is written, and read there.
                try await reader.call("DEL", "dms:positions:low")
                #expect(try await harness.get("a").record.service == "copy")
            }
        }
    }

    @Test func `another prefix keeps everything under it, also one with a hash tag`() async throws {
        try await Harness.with(configure: { $0.keyPrefix = "{move}" }) { (harness: Harness) async throws in
            try await harness.built()
            try await harness.enqueue("a")
            _ = try await harness.pool.call { $0.block(true, reason: nil, caller: Harness.asOperator) }
            let keys = try await harness.list("KEYS", "*")
            #expect(keys.count == 9)
            #expect(keys.allSatisfy { $0.hasPrefix("{move}:") })
            #expect(try await harness.nextIDs() == ["a"])
        }
    }
}
