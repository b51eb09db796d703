import DMSModel
import Logging
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// Keys of another type, a sequence that cannot be counted on, and a Redis that is full.
@Suite struct DamageTests {
    private func block(_ harness: Harness, _ blocked: Bool, reason: String?) async throws -> BlockState {
        try await harness.pool.call { $0.block(blocked, reason: reason, caller: Harness.asOperator) }
    }

    @Test(arguments: [
        ("dms:queue:low", "list"), ("dms:positions:low", "zset"), ("dms:stats", "hash"), ("dms:task:index", "set"),
        ("dms:enqueued", "zset"), ("dms:leases", "zset"), ("dms:marks:mid", "zset"), ("dms:task:a", "string"),
        ("dms:block:frontend", "string"), ("dms:sequence", "string"),
    ])
    func `an error that a key of another type is the reason of names it, and what it is`(
        key: String, type: String
    ) async throws {
        try await Harness.with { harness in
            try await harness.built()
            for id in ["a", "b"] { try await harness.enqueue(id) }
            try await harness.redis.call("DEL", key)
            let wrong = type == "string" ? "list" : "string"
            try await harness.redis.call(wrong == "list" ? ["RPUSH", key, "x"] : ["SET", key, "x"])
            let failure = try await Harness.failure {
                switch key {
                case "dms:leases": _ = try await harness.statistics()
                case "dms:marks:mid", "dms:task:a": _ = try await harness.cancel("a")
                default: try await harness.enqueue("c")
                }
            }
            #expect(failure?.reason == .storeUnavailable)
            let sentence = "the key '\(key)' is a \(wrong), not a \(type)"
            #expect(failure?.message.contains(sentence) == true, "\(failure?.message ?? "")")
        }
    }

    @Test func `commands that are no scripts name the key too`() async throws {
        try await Harness.with { harness in
            try await harness.redis.call("RPUSH", "dms:block:frontend", "x")
            let failure = try await Harness.failure {
                _ = try await harness.pool.call { $0.blockState(caller: Harness.asOperator) }
            }
            #expect(failure?.message.contains("the key 'dms:block:frontend' is a list, not a string") == true)
        }
    }

    @Test func `a counter that cannot be counted on is named with its key`() async throws {
        try await Harness.with { harness in
            try await harness.redis.call("HSET", "dms:stats", "queued", "many")
            let failure = try await Harness.failure { try await harness.enqueue("a") }
            #expect(failure?.message.contains("the counter queued of the key dms:stats") == true)
        }
    }

    @Test(arguments: ["many", "", "1.5", "9223372036854775807", "99999999999999999999"])
    func `a sequence that cannot be counted on refuses what needs it, before anything is written`(
        value: String
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            try await harness.redis.call("SET", "dms:sequence", value)
            let before = try await harness.contents()
            for failure in [
                try await Harness.failure { try await harness.enqueue("c") },
                try await Harness.failure { _ = try await harness.setPriority("a", .high) },
            ] {
                #expect(failure?.reason == .storeUnavailable)
                #expect(failure?.message.contains("the key dms:sequence") == true)
            }
            #expect(try await harness.contents() == before)
            // What needs no new number goes on.
            #expect(try await harness.cancel("b").status == .canceled)
            #expect(try await harness.nextIDs() == ["a"])
            try await harness.redis.call("SET", "dms:sequence", "2")
            try await harness.enqueue("c")
            #expect(try await harness.nextIDs() == ["c"])
        }
    }

    /// What may stand under a key of ours that was never put there by us.
    private static let damages = [
        ["SET", "KEY", "x"], ["RPUSH", "KEY", "x"], ["SADD", "KEY", "x"], ["HSET", "KEY", "queued", "x"],
        [
            "HSET", "KEY", "dispatched", "1e400", "canceled", "nan", "completed", "-", "requeued",
            "99999999999999999999",
        ],
        ["ZADD", "KEY", "inf", "a"], ["ZADD", "KEY", "-inf", "a", "inf", "b"], ["ZADD", "KEY", "1e300", "a", "2", "x"],
    ]

    @Test(arguments: [
        "dms:queue:low", "dms:queue:high", "dms:positions:low", "dms:positions:high", "dms:marks:low", "dms:stats",
        "dms:task:index", "dms:sequence", "dms:leases", "dms:enqueued", "dms:block:frontend", "dms:task:a",
    ])
    func `nothing that stands under a key makes it unknown whether a call was done`(key: String) async throws {
        try await Harness.with(configure: { $0.queuedMax = 1000 }) { harness in
            try await harness.built()
            for damage in DamageTests.damages {
                try await harness.redis.call("FLUSHALL")
                for id in ["h", "a", "b"] { try await harness.enqueue(id) }
                let held = try #require(try await harness.lease(1).first)
                try await harness.redis.call("DEL", key)
                try await harness.redis.call(damage.map { $0 == "KEY" ? key : $0 })
                for refusal in [
                    try await Harness.refusal { try await harness.enqueue("c") },
                    try await Harness.refusal { _ = try await harness.setPriority("b", .high) },
                    try await Harness.refusal { _ = try await harness.setPriority("a", .high) },
                    try await Harness.refusal { _ = try await harness.renew(held.reference, milliseconds: 5000) },
                    try await Harness.refusal { _ = try await harness.ack(held.reference) },
                    try await Harness.refusal { _ = try await harness.lease(1, request: "r") },
                    try await Harness.refusal { _ = try await harness.cancel("a") },
                    try await Harness.refusal { _ = try await harness.giveBack(held.reference) },
                    try await Harness.refusal { _ = try await harness.finish(held.reference) },
                    try await Harness.refusal { _ = try await harness.next() },
                    try await Harness.refusal { _ = try await block(harness, false, reason: nil) },
                ] {
                    #expect(refusal != .outcomeUnknown, "\(damage)")
                }
            }
        }
    }

    @Test func `numbers that Lua cannot tell apart are not given`() async throws {
        try await Harness.with { harness in
            try await harness.redis.call("SET", "dms:sequence", "\((1 << 53) - 2)")
            try await harness.enqueue("a")
            let failure = try await Harness.failure { try await harness.enqueue("b") }
            #expect(failure?.reason == .storeUnavailable)
            #expect(try await harness.text("GET", "dms:task:b") == nil)
            #expect(try await harness.nextIDs(2) == ["a"])
        }
    }

    @Test func `a full Redis takes no task, and admins and owners can do everything that stops and drains it`()
        async throws
    {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d", "e"] { try await harness.enqueue(id) }
            let held = try await harness.lease(2)
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "1")
            #expect(try await Harness.refusal { try await harness.enqueue("f") } == .storeFull)
            #expect(try await block(harness, true, reason: "flood").blocked)
            #expect(try await Harness.refusal { try await harness.enqueue("f") } == .submissionsBlocked)
            let resumed = try await harness.pool.call { $0.resume(reason: nil, caller: Harness.asOperator) }
            #expect(resumed.blocked == false)
            #expect(resumed.reason == "flood")
            #expect(try await Harness.refusal { try await harness.enqueue("f") } == .storeFull)
            #expect(try await harness.setPriority("e", .high).priority == .high)
            #expect(try await harness.cancel("c").status == .canceled)
            #expect(try await harness.finish(held[0].reference, result: "1").status == .completed)
            #expect(try await harness.giveBack(held[1].reference).status == .queued)
            #expect(try await harness.nextIDs(5) == ["e", "b", "d"])
            try await harness.redis.call("CONFIG", "SET", "maxmemory", "0")
            try await harness.expectAgreement()
            try await harness.enqueue("f")
        }
    }
}
