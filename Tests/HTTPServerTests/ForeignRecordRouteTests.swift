import RedisLink
import TestSupport
import Testing

/// Records that another program wrote, as the REST server shows them.
@Suite struct ForeignRecordRouteTests {
    @Test func `a queued record with spaces and one more field is shown, listed, fetched and canceled`() async throws {
        try await withScheduler { server, redis in
            try await eventually { try await server.get("/tasks").status == 200 }
            for id in ["f1", "f2"] {
                let text =
                    #"{"task_id": "\#(id)", "service": "s", "user_id": "u", "parameters": {"n": 1e400}, "priority": "low", "#
                    + #""status": "queued", "enqueued_at": "2025-11-23T10:11:12", "updated_at": "2025-11-23T10:11:12", "#
                    + #""retries": 3}"# + "\n"
                try await redis.call("SET", "dms:task:\(id)", text)
                try await redis.call("SADD", "dms:task:index", id)
                try await redis.call("RPUSH", "dms:queue:low", id)
            }
            let shown = try await server.get("/tasks/f1")
            #expect(shown.status == 200)
            #expect(shown.text.contains(#""parameters": {"n": 1e400},"priority":"low","status":"queued""#))
            #expect(shown.text.contains(#""position_in_priority":1"#))
            let listed = try await server.get("/tasks?status=queued&service=s")
            #expect(listed.text.matches(of: /"task_id":"(f.)"/).map { String($0.1) } == ["f1", "f2"])
            let fetched = try await server.next()
            #expect(fetched.status == 200)
            #expect(fetched.text.contains(#""task_id":"f1""#) && fetched.text.contains(#""parameters": {"n": 1e400}"#))
            let canceled = try await server.post("/tasks/cancel", #"{"task_id":"f2","service":"s","user_id":"u"}"#)
            #expect(canceled.status == 200)
            #expect(try await server.next().status == 204)
        }
    }
}
