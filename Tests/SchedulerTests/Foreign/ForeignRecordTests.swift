import DMSModel
import Foundation
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// Records that another program wrote: every operation sees the same task, or the task is set aside.
@Suite struct ForeignRecordTests {
    private static func put(_ vector: RecordVector, into redis: TestRedis) async throws {
        try await redis.call("SET", "dms:task:\(vector.id)", String(decoding: vector.bytes, as: UTF8.self))
        try await redis.call("SADD", "dms:task:index", vector.id)
        try await redis.call("DEL", "dms:queue:low", "dms:positions:low", "dms:marks:low", "dms:enqueued")
        try await redis.call("RPUSH", "dms:queue:low", vector.id)
    }

    /// The vectors that are text, which is all that the test's client sends.
    private static func vectors(readable: Bool) throws -> [RecordVector] {
        try RecordVector.all().filter {
            ($0.form != nil) == readable && String(validating: $0.bytes, as: UTF8.self) != nil
        }
    }

    @Test func `a record that can be read is the same to Get, List, Cancel and Next, and written in our form`()
        async throws
    {
        try await Harness.with { harness in
            try await harness.built()
            for vector in try ForeignRecordTests.vectors(readable: true) {
                try await harness.redis.call("DEL", "dms:leases")
                try await ForeignRecordTests.put(vector, into: harness.redis)
                let form = vector.form ?? ""
                let record = try #require(TaskRecord(json: ByteBuffer(string: form)), "\(vector)")
                let isQueued = record.status == .queued
                let summary = try await harness.get(vector.id)
                #expect(summary.record == record, "\(vector)")
                #expect(summary.queuePosition?.positionInPriority == (isQueued ? 1 : nil), "\(vector)")
                try await eventually { try await harness.page(TaskQuery()).tasks == [record] }
                for query in [
                    TaskQuery(statuses: [record.status]), TaskQuery(priorities: [.low]),
                    TaskQuery(service: record.service, userID: record.userID),
                ] where FieldRules.name(record.userID, field: "") == nil {
                    #expect(try await harness.page(query).tasks == [record], "\(vector)")
                }
                if isQueued {
                    var handedOut = try #require(try await harness.next().first, "\(vector)")
                    #expect(handedOut.attempt == record.attempt + 1)
                    #expect(handedOut.status == .dispatched)
                    (handedOut.attempt, handedOut.status, handedOut.updatedAt) = (
                        record.attempt, .queued, record.updatedAt
                    )
                    handedOut.submitterID = record.submitterID
                    #expect(handedOut == record, "\(vector)")
                    try await ForeignRecordTests.put(vector, into: harness.redis)
                    let isName = FieldRules.name(record.userID, field: "") == nil
                    let canceled = try await harness.cancel(
                        vector.id, service: isName ? record.service : "any", user: isName ? record.userID : "any",
                        caller: isName ? Caller() : Harness.asOperator)
                    let kept = try #require(try await harness.text("GET", "dms:task:\(vector.id)"))
                    #expect(
                        kept
                            == form.replacingLast("\"status\":\"queued\"", with: "\"status\":\"canceled\"")
                            .replacingLast("\(record.updatedAt)", with: "\(canceled.updatedAt)"), "\(vector)")
                    #expect(try await harness.list("LRANGE", "dms:queue:low", "0", "-1") == [], "\(vector)")
                }
                try await harness.redis.call("DEL", "dms:task:\(vector.id)", "dms:task:index", "dms:enqueued")
            }
        }
    }

    @Test func `a record that cannot be read is set aside, not changed, and comes back when it is repaired`()
        async throws
    {
        try await Harness.with { harness in
            try await harness.built()
            for vector in try ForeignRecordTests.vectors(readable: false) {
                try await ForeignRecordTests.put(vector, into: harness.redis)
                try await harness.enqueue("good")
                let found = try await Harness.refusal { _ = try await harness.get(vector.id) }
                let canceled = try await Harness.refusal {
                    _ = try await harness.cancel(vector.id, caller: Harness.asOperator)
                }
                let moved = try await Harness.refusal { _ = try await harness.setPriority(vector.id, .high) }
                #expect(found == .taskNotFound && canceled == .taskNotFound && moved == .taskNotFound, "\(vector)")
                #expect(try await harness.nextIDs(10) == ["good"], "\(vector)")
                #expect(try await harness.list("SMEMBERS", "dms:set-aside") == [vector.id], "\(vector)")
                #expect(try await harness.statistics().setAside == 1, "\(vector)")
                let kept = try await harness.text("GET", "dms:task:\(vector.id)")
                #expect(kept == String(decoding: vector.bytes, as: UTF8.self), "\(vector)")
                // Somebody repairs it; whoever looks at the figures has it go back.
                try await harness.redis.call(
                    "SET", "dms:task:\(vector.id)", Foreign.record(vector.id, status: "queued"))
                try await eventually { try await harness.statistics().setAside == 0 }
                #expect(try await harness.nextIDs(10) == [vector.id], "\(vector)")
                try await harness.redis.call("DEL", "dms:task:\(vector.id)", "dms:task:good", "dms:task:index")
            }
        }
    }

    @Test func `a record in our form whose parameters are no JSON is set aside as it was, and nobody gets it`()
        async throws
    {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let good = try #require(try await harness.text("GET", "dms:task:a"))
            let bad = good.replacingLast("\"parameters\":{}", with: "\"parameters\":{\"x\":NaN}")
            try await harness.redis.call("SET", "dms:task:a", bad)
            let request = NextRequest(maxTasks: 2, leaseMilliseconds: 60_000)
            #expect(try await harness.next(request).tasks.map(\.taskID.text) == ["b"])
            try await eventually(within: .seconds(20)) { try await harness.list("SMEMBERS", "dms:set-aside") == ["a"] }
            #expect(try await harness.list("ZRANGE", "dms:leases", "0", "-1") == ["b"])
            #expect(try await harness.statistics().dispatched == 1)
            let kept = try #require(try await harness.text("GET", "dms:task:a"))
            #expect(
                kept.hasPrefix(bad.prefix(60)) && kept.contains("\"status\":\"queued\"") && !kept.contains("attempt"))
            try await harness.redis.call(
                "SET", "dms:task:a", kept.replacingLast("{\"x\":NaN}", with: "{\"x\":1}"))
            try await eventually { try await harness.statistics().setAside == 0 }
            let back = try #require(try await harness.next().first)
            #expect(back.taskID.text == "a" && back.attempt == 1)
        }
    }

    @Test func `a call that is kept gets what stands behind a record that turned out to be none`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            for id in ["a", "b"] {
                let good = try #require(try await harness.text("GET", "dms:task:\(id)"))
                try await harness.redis.call(
                    "SET", "dms:task:\(id)",
                    good.replacingLast("\"parameters\":{}", with: "\"parameters\":{\"x\":NaN}"))
            }
            let request = NextRequest(leaseMilliseconds: 60_000, submitterID: "s", requestID: "r")
            let answer = try await harness.next(request)
            #expect(answer.tasks.map(\.taskID.text) == ["c"])
            #expect(try await harness.next(request) == answer)
            try await eventually { try await harness.list("SMEMBERS", "dms:set-aside").sorted() == ["a", "b"] }
            // Of several tasks the good ones stay in the answer.
            for id in ["d", "e"] { try await harness.enqueue(id) }
            let record = try #require(try await harness.text("GET", "dms:task:d"))
            try await harness.redis.call(
                "SET", "dms:task:d", record.replacingLast("\"parameters\":{}", with: "\"parameters\":{\"x\":NaN}"))
            let many = NextRequest(maxTasks: 2, leaseMilliseconds: 60_000, submitterID: "s", requestID: "q")
            let others = try await harness.next(many)
            #expect(others.tasks.map(\.taskID.text) == ["e"])
            #expect(try await harness.next(many) == others)
        }
    }

    @Test func `what is set aside is looked at when a scheduler starts, and whose record is gone is forgotten`()
        async throws
    {
        try await TestRedis.with { redis in
            try await redis.call("SADD", "dms:set-aside", "gone", "repaired", "still", "dispatched", "queued")
            try await redis.call("SET", "dms:task:repaired", Foreign.record("repaired", status: "queued"))
            try await redis.call("SET", "dms:task:still", "no record")
            try await redis.call("SET", "dms:task:dispatched", Foreign.record("dispatched", status: "dispatched"))
            try await redis.call("SET", "dms:task:queued", Foreign.record("queued", status: "queued"))
            try await redis.call("RPUSH", "dms:queue:low", "queued")
            try await Harness.with(redis) { pool in
                let harness = Harness(redis: redis, pool: pool)
                try await eventually { try await harness.list("SMEMBERS", "dms:set-aside") == ["still"] }
                #expect(try await harness.nextIDs(10) == ["queued", "repaired"])
            }
        }
    }

    @Test func `a task that is too large to hand out is set aside and can be canceled`() async throws {
        try await Harness.with { harness in
            let text = Foreign.record(
                "huge", status: "queued",
                parameters: #"{"x":"\#(String(repeating: "y", count: Limits.handOutBytesMax))"}"#)
            try await harness.redis.call("SET", "dms:task:huge", text)
            try await harness.redis.call("RPUSH", "dms:queue:low", "huge")
            #expect(try await harness.nextIDs() == [])
            #expect(try await harness.list("SMEMBERS", "dms:set-aside") == ["huge"])
            #expect(try await harness.cancel("huge").status == .canceled)
            try await eventually { try await harness.statistics().setAside == 0 }
        }
    }
}

extension String {
    fileprivate func replacingLast(_ piece: String, with other: String) -> String {
        guard let range = range(of: piece, options: .backwards) else { return self }
        return replacingCharacters(in: range, with: other)
    }
}
