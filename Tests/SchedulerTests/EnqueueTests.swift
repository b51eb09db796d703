import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite struct EnqueueTests {
    @Test func `a submission is kept in the documented form, byte for byte`() async throws {
        try await Harness.with { harness in
            let parameters = #"{ "big": 123456789012345678901234567890, "e": [] , "s":"é\u00e9\/" }"#
            let record = try await harness.enqueue("t 1/ü", parameters: parameters, service: "a\"b\\c", user: "ада")
            let time = record.enqueuedAt.description
            #expect(
                try await harness.text("GET", "dms:task:t 1/ü")
                    == #"{"task_id":"t 1/ü","service":"a\"b\\c","user_id":"ада","parameters":\#(parameters),"#
                    + #""priority":"low","status":"queued","enqueued_at":"\#(time)","updated_at":"\#(time)"}"#)
            #expect(try await harness.list("LRANGE", "dms:queue:low", "0", "-1") == ["t 1/ü"])
            #expect(try await harness.list("SMEMBERS", "dms:task:index") == ["t 1/ü"])
            #expect(try await harness.text("HGET", "dms:stats", "queued") == "1")
            #expect(try await harness.text("HGET", "dms:stats", "last_updated") == time)
            #expect(try await harness.get("t 1/ü").record == record)
        }
    }

    @Test(arguments: Priority.allCases)
    func `a priority has a queue of its own`(_ priority: Priority) async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a", priority)
            for other in Priority.allCases {
                let ids = try await harness.list("LRANGE", "dms:queue:\(other.rawValue)", "0", "-1")
                #expect(ids == (other == priority ? ["a"] : []))
            }
        }
    }

    @Test func `an id that exists is refused and changes nothing`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a", parameters: #"{"n":1}"#)
            let before = try await harness.text("GET", "dms:task:a")
            #expect(
                try await Harness.refusal { try await harness.enqueue("a", .high, parameters: #"{"n":2}"#) }
                    == .taskExists)
            #expect(try await harness.text("GET", "dms:task:a") == before)
            #expect(try await harness.statistics().queued == 1)
            #expect(try await harness.statistics().overview == QueueOverview(high: 0, mid: 0, low: 1))
        }
    }

    @Test func `a block comes before the token, and the token before an id that exists`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let block = { (blocked: Bool) in
                _ = try await harness.pool.call { $0.block(blocked, reason: nil, caller: Harness.asOperator) }
            }
            try await block(true)
            let refused = { (caller: Caller) in
                try await Harness.refusal { try await harness.enqueue("a", .high, caller: caller) }
            }
            #expect(try await refused(Caller()) == .submissionsBlocked)
            #expect(try await refused(Harness.asOperator) == .submissionsBlocked)
            try await block(false)
            #expect(try await refused(Caller()) == .tokenRequired)
            #expect(try await refused(Caller(operatorToken: "wrong")) == .tokenInvalid)
            #expect(try await refused(Caller(operatorToken: "")) == .tokenInvalid)
            #expect(try await refused(Harness.asOperator) == .taskExists)
            #expect(try await harness.statistics().queued == 1)
        }
    }

    @Test func `without a configured token nobody may use mid or high`() async throws {
        try await Harness.with(configure: { $0.tokens.operators = [] }) { harness in
            #expect(
                try await Harness.refusal { try await harness.enqueue("a", .mid) } == .tokenNotConfigured)
            try await harness.enqueue("a", .low)
        }
    }

    @Test(arguments: [
        ("", "s", "u", "{}"), ("index", "s", "u", "{}"), ("a\nb", "s", "u", "{}"), ("a\u{85}", "s", "u", "{}"),
        (String(repeating: "x", count: 257), "s", "u", "{}"), (String(repeating: "é", count: 129), "s", "u", "{}"),
        ("a", "", "u", "{}"), ("a", "s", "", "{}"), ("a", "s", "u", ""), ("a", "s", "u", "[]"),
        ("a", "s", "u", "{\"x\":NaN}"), ("a", "s", "u", "{\"x\":1,}"), ("a", "s", "u", "{} {}"),
        ("a", "s", "u", "{\"x\":\"\\ud800\"}"),
        ("a", "s", "u", String(repeating: "{\"a\":", count: 512) + "{}" + String(repeating: "}", count: 512)),
    ])
    func `a bad field is refused and changes nothing`(
        _ fields: (id: String, service: String, user: String, parameters: String)
    ) async throws {
        try await Harness.with { harness in
            let refusal = try await Harness.refusal {
                try await harness.enqueue(
                    fields.id, parameters: fields.parameters, service: fields.service, user: fields.user)
            }
            #expect(refusal == .invalidField)
            #expect(try await harness.list("KEYS", "*").allSatisfy { $0 == "dms:enqueued:built" })
        }
    }

    @Test func `names and parameters at their limits are taken`() async throws {
        try await Harness.with { harness in
            let name = String(repeating: "é", count: 128)
            let text = #"{"x":""# + String(repeating: "y", count: (1 << 20) - 8) + #""}"#
            #expect(text.utf8.count == 1 << 20)
            try await harness.enqueue(name, parameters: text, service: name, user: name)
            let record = try await harness.next().first
            #expect(record.map { String(buffer: $0.parameters) == text } == true)
            #expect(record?.service == name)
            let deep = String(repeating: "{\"a\":", count: 511) + "{}" + String(repeating: "}", count: 511)
            try await harness.enqueue("deep", parameters: deep)
            #expect(try await harness.next().first.map { String(buffer: $0.parameters) == deep } == true)
            #expect(
                try await Harness.refusal { try await harness.enqueue("b", parameters: text + " ") }
                    == .limitParameters)
        }
    }

    @Test(arguments: [
        ("dms:queue:low", "SET"), ("dms:task:index", "SET"), ("dms:stats", "SET"), ("dms:positions:low", "SET"),
    ])
    func `a key of the wrong type fails the call before anything is written`(_ key: (String, String)) async throws {
        try await Harness.with { harness in
            _ = try await harness.redis.call([key.1, key.0, "not yours"])
            #expect(try await Harness.refusal { try await harness.enqueue("a") } != nil)
            _ = try await harness.redis.call(["DEL", key.0])
            let keys = try await harness.list("KEYS", "*")
            // The sequence may have a gap.
            #expect(Set(keys).isSubset(of: ["dms:sequence", "dms:enqueued:built"]))
            try await harness.enqueue("a")
            #expect(try await harness.nextIDs() == ["a"])
        }
    }

    @Test func `a counter that is no number fails the call before anything is written`() async throws {
        try await Harness.with { harness in
            for field in ["queued", "dispatched", "canceled"] {
                _ = try await harness.redis.call(["HSET", "dms:stats", field, "many"])
            }
            #expect(try await Harness.refusal { try await harness.enqueue("a") } == .storeUnavailable)
            #expect(try await harness.list("KEYS", "dms:task*").isEmpty)
            _ = try await harness.redis.call(["HDEL", "dms:stats", "queued"])
            try await harness.enqueue("a")
            #expect(try await Harness.refusal { _ = try await harness.next() } == .storeUnavailable)
            #expect(try await Harness.refusal { _ = try await harness.cancel("a") } == .storeUnavailable)
            #expect(try await harness.get("a").record.status == .queued)
            #expect(try await harness.get("a").queuePosition?.globalPosition == 1)
        }
    }
}
