import NIOCore
import TestSupport
import Testing

/// `/submitter/next`, `/queues/overview`, `/stats`, `/healthz` and `/readyz`.
@Suite struct QueueRouteTests {
    @Test func `tasks are handed out high before mid before low, first come first served`() async throws {
        try await withScheduler { server, _ in
            let none = try await server.next()
            #expect(none.status == 204)
            #expect(none.body.readableBytes == 0)
            #expect(none.headers["content-length"] == nil)
            #expect(none.headers["content-type"] == nil)
            for (id, priority) in [("l1", "low"), ("h1", "high"), ("m1", "mid"), ("l2", "low"), ("h2", "high")] {
                try await server.submit(id, priority: priority)
            }
            #expect(
                try await server.get("/queues/overview").text == #"{"total":5,"high":2,"mid":1,"low":2}"#)
            let connection = try await server.connect()
            for (id, priority) in [("h1", "high"), ("h2", "high"), ("m1", "mid"), ("l1", "low"), ("l2", "low")] {
                let answer = try await connection.call("POST", "/submitter/next")
                #expect(answer.status == 200)
                #expect(
                    answer.timeless == record(id, priority: priority, status: "dispatched", later: #","attempt":1"#))
            }
            #expect(try await connection.call("POST", "/submitter/next").status == 204)
            #expect(try await connection.call("GET", "/queues/overview").text.hasPrefix(#"{"total":0,"#))
            try await connection.close()
        }
    }

    @Test func `a submitter may say who it is; a body says nothing`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let answer = try await server.post("/submitter/next?submitter_id=gpu%2F1", "not json at all")
            #expect(
                answer.timeless
                    == record("t", status: "dispatched", later: #","attempt":1,"submitter_id":"gpu/1""#))
        }
    }

    @Test func `values of Next that are out of range are refused by name`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            for (query, field) in [
                ("wait_ms=600001", "wait_ms"), ("lease_ms=999", "lease_ms"), ("wait_ms=a", "wait_ms"),
                ("lease_ms=86400001", "lease_ms"), ("lease_ms=1", "lease_ms"), ("wait_ms=4294967296", "wait_ms"),
                ("submitter_id=" + String(repeating: "x", count: 257), "submitter_id"),
            ] {
                let answer = try await server.post("/submitter/next?" + query, "")
                #expect(answer.status == 422)
                #expect(answer.text.contains(#""loc":["query","\#(field)"]"#))
            }
            #expect(try await server.post("/submitter/next?wait_ms=0&lease_ms=0", "").status == 200)
        }
    }

    @Test func `a negative number is told as out of range, as one that is too large`() async throws {
        try await withScheduler { server, _ in
            for (method, path, name, input, sentence) in [
                ("POST", "/submitter/next", "wait_ms", "-1", "Value should be from 0 to 600000"),
                ("POST", "/submitter/next", "wait_ms", "600001", "Value should be from 0 to 600000"),
                (
                    "POST", "/submitter/next", "lease_ms", "-9223372036854775809",
                    "Value should be from 1000 to 86400000"
                ),
                ("POST", "/submitter/next", "lease_ms", "9223372036854775808", "Value should be from 1000 to 86400000"),
                ("GET", "/tasks", "limit", "-1", "Value should be at least 0"),
            ] {
                let answer = try await server.call(method, "\(path)?\(name)=\(input)")
                #expect(answer.status == 422)
                #expect(
                    answer.text.contains(
                        #"{"type":"value_error","loc":["query","\#(name)"],"msg":"Value error, \#(sentence)""#))
            }
        }
    }

    @Test func `where a submitter token is configured it is needed, and the operator token serves as well`()
        async throws
    {
        try await withScheduler(submitterToken: "open") { server, _ in
            let without = try await server.next()
            #expect(without.status == 403)
            for (name, value, status) in [
                ("X-DMS-Submitter-Token", "wrong", 403), ("X-DMS-Operator-Token", "wrong", 403),
                ("X-DMS-Operator-Token", "open", 403), ("X-DMS-Submitter-Token", "open", 204),
                ("X-DMS-Operator-Token", "sesame", 204),
            ] {
                let answer = try await server.call("POST", "/submitter/next", headers: [(name, value)])
                #expect(answer.status == status)
            }
        }
    }

    @Test func `the counters count since the beginning`() async throws {
        try await withScheduler { server, _ in
            #expect(
                try await server.get("/stats").text
                    == #"{"queued":0,"dispatched":0,"canceled":0,"last_updated":null,"#
                    + #""queue_overview":{"total":0,"high":0,"mid":0,"low":0}}"#)
            try await server.submit("a")
            try await server.submit("b")
            try await server.submit("c", priority: "mid")
            #expect(try await server.next().status == 200)
            let cancel = #"{"task_id":"a","service":"s","user_id":"u"}"#
            #expect(try await server.post("/tasks/cancel", cancel).status == 200)
            #expect(
                try await server.get("/stats").timeless
                    == #"{"queued":3,"dispatched":1,"canceled":1,"last_updated":"T","#
                    + #""queue_overview":{"total":1,"high":0,"mid":0,"low":1}}"#)
        }
    }

    @Test func `without Redis the process lives but is not ready, and says why`() async throws {
        try await withScheduler { server, redis in
            let ready = try await server.get("/readyz")
            #expect(ready.status == 200)
            #expect(ready.text == #"{"status":"ok"}"#)
            try await redis.kill()
            try await eventually { try await server.get("/readyz").status == 503 }
            let answer = try await server.get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.text.hasPrefix(#"{"detail":"The store is not available: "#))
            #expect(answer.headers["retry-after"] == "1")
            #expect(try await server.get("/healthz").status == 200)
            for (method, target) in [("GET", "/stats"), ("GET", "/tasks/t"), ("POST", "/submitter/next")] {
                let refused = try await server.call(method, target)
                #expect(refused.status == 503)
                #expect(refused.headers["retry-after"] == "1")
            }
            try await redis.start()
            try await eventually { try await server.get("/readyz").status == 200 }
        }
    }

    @Test func `a Redis that may evict tasks takes none, and the process is not ready and says what to change`()
        async throws
    {
        try await withScheduler { server, redis in
            try await server.submit("a")
            try await redis.evictTasks()
            try await eventually { try await server.get("/readyz").text.contains("allkeys-lru") }
            let answer = try await server.get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] == "10")
            let refused = try await server.post("/tasks", submission("b"))
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "10")
            #expect(refused.text == answer.text)
            #expect(refused.text.contains("Set 'maxmemory-policy noeviction' in its configuration"))
            #expect(try await server.get("/tasks/b").status == 404)
            // What is there can be taken.
            #expect(try await server.next().status == 200)
        }
    }

    @Test func `a damaged Redis is told of with the key that is in the way`() async throws {
        try await withScheduler { server, redis in
            try await redis.call("SET", "dms:queue:low", "not yours")
            let answer = try await server.post("/tasks", submission("a"))
            #expect(answer.status == 503)
            #expect(answer.text.contains("the key 'dms:queue:low' is a string, not a list"))
            try await redis.call("DEL", "dms:queue:low")
            try await redis.call("SET", "dms:sequence", "many")
            let refused = try await server.post("/tasks", submission("a"))
            #expect(refused.status == 503)
            #expect(refused.text.contains("the key dms:sequence is no number that can be counted on"))
        }
    }
}
