import NIOCore
import TestSupport
import Testing

/// `GET /tasks`.
@Suite struct ListRouteTests {
    private func cursor(of answer: HTTPAnswer) throws -> String {
        String(try #require(answer.text.firstMatch(of: /"next_cursor":"([A-Za-z0-9_-]+)"\}$/)).1)
    }

    @Test func `tasks are listed oldest first, page by page`() async throws {
        try await withScheduler { server, _ in
            try await eventually { try await server.get("/tasks").status == 200 }
            #expect(try await server.get("/tasks").text == #"{"tasks":[],"next_cursor":null}"#)
            for id in ["c", "a", "b"] { try await server.submit(id, parameters: #"{"n":1e400}"#) }
            let records = ["c", "a", "b"].map { record($0, parameters: #"{"n":1e400}"#) }
            let whole = try await server.get("/tasks")
            #expect(whole.status == 200)
            #expect(whole.timeless == #"{"tasks":[\#(records.joined(separator: ","))],"next_cursor":null}"#)
            let first = try await server.get("/tasks?limit=2")
            #expect(first.timeless.hasPrefix(#"{"tasks":[\#(records[0]),\#(records[1])],"next_cursor":""#))
            let second = try await server.get("/tasks?limit=2&cursor=" + (try cursor(of: first)))
            #expect(second.timeless == #"{"tasks":[\#(records[2])],"next_cursor":null}"#)
            let newest = try await server.get("/tasks?limit=1&newest_first=1")
            #expect(newest.timeless.hasPrefix(#"{"tasks":[\#(records[2])],"#))
        }
    }

    @Test func `tasks are found by status, priority, service and user`() async throws {
        try await withScheduler { server, _ in
            try await eventually { try await server.get("/tasks").status == 200 }
            try await server.submit("l", priority: "low")
            try await server.submit("h", priority: "high")
            #expect(try await server.next().status == 200)
            for (query, id) in [
                ("status=queued", "l"), ("status=dispatched,failed", "h"), ("priority=high&priority=mid", "h"),
                ("priority=low,mid&service=s&user_id=u", "l"),
            ] {
                let answer = try await server.get("/tasks?" + query)
                #expect(answer.text.matches(of: /"task_id":"(.)"/).map { String($0.1) } == [id])
            }
            #expect(try await server.get("/tasks?user_id=v").text == #"{"tasks":[],"next_cursor":null}"#)
        }
    }

    @Test func `a cursor that is not ours, and a name that is none, are refused`() async throws {
        try await withScheduler { server, _ in
            try await eventually { try await server.get("/tasks").status == 200 }
            for id in ["a", "b"] { try await server.submit(id) }
            let cursor = try cursor(of: try await server.get("/tasks?limit=1"))
            for query in ["cursor=x", "cursor=\(cursor)&newest_first=true", "cursor=\(cursor)&status=queued"] {
                let answer = try await server.get("/tasks?" + query)
                #expect(answer.status == 422)
                #expect(answer.text.hasPrefix(#"{"detail":[{"type":"value_error","loc":["query","cursor"],"msg":""#))
            }
            let unknown = try await server.get("/tasks?status=done")
            #expect(unknown.status == 422)
            #expect(unknown.text.hasPrefix(#"{"detail":[{"type":"enum","loc":["query","status"],"msg":"#))
        }
    }

    @Test func `HEAD is answered like GET, and other methods are told what there is`() async throws {
        try await withScheduler { server, _ in
            try await eventually { try await server.get("/tasks").status == 200 }
            let head = try await server.call("HEAD", "/tasks")
            #expect(head.status == 200)
            #expect(head.body.readableBytes == 0)
            #expect(head.headers["content-length"] == "31")
            let deleted = try await server.call("DELETE", "/tasks")
            #expect(deleted.status == 405)
            #expect(deleted.headers["allow"] == "GET, HEAD, POST")
        }
    }

    @Test func `while the order is not built, a list says so and when to come again`() async throws {
        try await withScheduler { server, redis in
            // From here on no look at the order can end well, so that nobody marks it again.
            try await redis.call("SET", "dms:enqueued:left-out", "not yours")
            try await redis.call("DEL", "dms:enqueued:built")
            let answer = try await server.get("/tasks")
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] == "1")
            #expect(answer.text.contains("still being built"))
        }
    }
}
