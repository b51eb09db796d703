import NIOCore
import TestSupport
import Testing

/// `/tasks`, `/tasks/cancel` and `/tasks/{task_id}`, each with every answer of the contract.
@Suite struct TaskRouteTests {
    private let none = #"{"total":0,"high":0,"mid":0,"low":0}"#

    @Test func `a submission is answered with its record and can be read back`() async throws {
        try await withScheduler { server, redis in
            let answer = try await server.post("/tasks", submission("a", parameters: #"{ "x" : 1 }"#))
            #expect(answer.status == 201)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.timeless == record("a", parameters: #"{ "x" : 1 }"#))
            try await server.submit("b", priority: "high")
            let summary = try await server.get("/tasks/a")
            #expect(summary.status == 200)
            #expect(
                summary.timeless
                    == #"{"record":\#(record("a", parameters: #"{ "x" : 1 }"#)),"#
                    + #""queue_position":{"priority":"low","position_in_priority":1,"global_position":2},"#
                    + #""overview":{"total":2,"high":1,"mid":0,"low":1}}"#)
            #expect(summary.text.contains(answer.text))
            let head = try await server.call("HEAD", "/tasks/a")
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == String(summary.body.readableBytes))
            try await redis.call("DEL", "dms:task:a")
            #expect(try await server.get("/tasks/a").status == 404)
        }
    }

    @Test func `mid and high need the operator token`() async throws {
        try await withScheduler { server, _ in
            for priority in ["mid", "high"] {
                let without = try await server.post("/tasks", submission("t", priority: priority))
                #expect(without.status == 403)
                #expect(without.text == #"{"detail":"The operator token is needed, in X-DMS-Operator-Token"}"#)
                let wrong = try await server.post("/tasks", submission("t", priority: priority), token: "Sesame")
                #expect(wrong.status == 403)
                #expect(wrong.text == #"{"detail":"The operator token in X-DMS-Operator-Token is wrong"}"#)
                let right = try await server.post("/tasks", submission(priority, priority: priority), token: "sesame")
                #expect(right.status == 201)
                #expect(right.timeless == record(priority, priority: priority))
            }
            #expect(try await server.post("/tasks", submission("l", priority: "low"), token: "wrong").status == 201)
            #expect(try await server.get("/tasks/t").status == 404)
        }
    }

    @Test func `without a configured token mid and high are closed, and the answer says so`() async throws {
        try await withScheduler(operatorToken: nil) { server, _ in
            let answer = try await server.post("/tasks", submission("t", priority: "mid"), token: "")
            #expect(answer.status == 403)
            let sentence = "No operator token is configured (DMS_OPERATOR_TOKEN), so this is closed to everybody"
            #expect(answer.text == #"{"detail":"\#(sentence)"}"#)
            #expect(try await server.post("/tasks", submission("t")).status == 201)
        }
    }

    @Test func `an id is taken once`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t", parameters: #"{"first":true}"#)
            let again = try await server.post("/tasks", submission("t", parameters: #"{"first":false}"#))
            #expect(again.status == 409)
            #expect(again.text == #"{"detail":"There is a task 't' already"}"#)
            #expect(try await server.get("/tasks/t").text.contains(#""parameters":{"first":true}"#))
        }
    }

    @Test func `a submission is checked for its shape, the block, the token and the id, in this order`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let existing = submission("t", priority: "high")
            #expect(try await server.post("/tasks", existing, token: "wrong").status == 403)
            #expect(try await server.post("/tasks", existing, token: "sesame").status == 409)
            #expect(try await server.post("/admin/block", #"{"blocked":true}"#, token: "sesame").status == 200)
            let blocked = try await server.post("/tasks", existing, token: "wrong")
            #expect(blocked.status == 503)
            #expect(blocked.text == #"{"detail":"An admin has blocked submissions"}"#)
            #expect(blocked.headers["retry-after"] == "5")
            #expect(try await server.post("/tasks", #"{"priority":"high"}"#).status == 422)
            #expect(try await server.post("/nothing", "{").status == 404)
            #expect(try await server.post("/stats", "{").status == 405)
            #expect(try await server.get("/tasks/t").status == 200)
        }
    }

    @Test func `a task is canceled by its owner, once`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let body = #"{"task_id":"t","service":"s","user_id":"u"}"#
            let first = try await server.post("/tasks/cancel", body)
            #expect(first.status == 200)
            #expect(first.timeless == record("t", status: "canceled"))
            let again = try await server.post("/tasks/cancel", body)
            #expect(again.status == 200)
            #expect(again.text == first.text)
            #expect(
                try await server.get("/tasks/t").timeless
                    == #"{"record":\#(record("t", status: "canceled")),"queue_position":null,"overview":\#(none)}"#)
            #expect(try await server.get("/stats").text.contains(#""canceled":1,"#))
            #expect(try await server.next().status == 204)
        }
    }

    @Test func `a task that was handed out is canceled too`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            #expect(try await server.next().status == 200)
            let answer = try await server.post("/tasks/cancel", #"{"task_id":"t","service":"s","user_id":"u"}"#)
            #expect(answer.status == 200)
            #expect(answer.timeless == record("t", status: "canceled", later: #","attempt":1"#))
        }
    }

    @Test func `a cancellation with a wrong operator token is refused for it, whosever the task is`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            for (id, user) in [("t", "u"), ("t", "v"), ("x", "u")] {
                let body = #"{"task_id":"\#(id)","service":"s","user_id":"\#(user)"}"#
                let answer = try await server.post("/tasks/cancel", body, token: "wrong")
                #expect(answer.status == 403)
                #expect(answer.text == #"{"detail":"The operator token in X-DMS-Operator-Token is wrong"}"#)
            }
            #expect(try await server.get("/tasks/t").text.contains(#""status":"queued""#))
            let other = #"{"task_id":"t","service":"s","user_id":"v"}"#
            #expect(try await server.post("/tasks/cancel", other, token: "sesame").status == 200)
        }
    }

    @Test func `a cancellation is refused to others, for an unknown task and for one that has finished`() async throws {
        try await withScheduler { server, redis in
            try await server.submit("t")
            for (service, user) in [("s", "v"), ("r", "u")] {
                let body = #"{"task_id":"t","service":"\#(service)","user_id":"\#(user)"}"#
                let answer = try await server.post("/tasks/cancel", body)
                #expect(answer.status == 403)
                #expect(answer.text == #"{"detail":"The task belongs to another user or service"}"#)
            }
            let unknown = try await server.post("/tasks/cancel", #"{"task_id":"x","service":"s","user_id":"u"}"#)
            #expect(unknown.status == 404)
            #expect(unknown.text == #"{"detail":"There is no task 'x'"}"#)
            let incomplete = try await server.post("/tasks/cancel", #"{"task_id":"t"}"#)
            #expect(incomplete.status == 422)
            #expect(
                incomplete.text
                    == #"{"detail":[{"type":"missing","loc":["body","service"],"msg":"Field required","#
                    + #""input":{"task_id":"t"}},{"type":"missing","loc":["body","user_id"],"msg":"Field required","#
                    + #""input":{"task_id":"t"}}]}"#)
            for status in ["completed", "failed"] {
                let text = record("f", status: status).replacing("\"T\"", with: "\"2025-11-23T10:11:12.000000Z\"")
                try await redis.call("SET", "dms:task:f", text)
                let finished = try await server.post("/tasks/cancel", #"{"task_id":"f","service":"s","user_id":"u"}"#)
                #expect(finished.status == 409)
                #expect(finished.text == #"{"detail":"The task has finished already"}"#)
            }
            let byOperator = #"{"task_id":"t","service":"s","user_id":"v"}"#
            #expect(try await server.post("/tasks/cancel", byOperator, token: "sesame").status == 200)
        }
    }

    @Test(arguments: [
        ("x", "x"), ("a/b", "a%2Fb"), ("a b", "a%20b"), ("100%", "100%25"), ("a%2Fb", "a%252Fb"), ("cancel", "cancel"),
        ("?q#f", "%3Fq%23f"), (".", "%2E"), ("..", ".."), ("a\\\\b\\\"c", "a%5Cb%22c"),
        ("+&=;:@,!$'()*~", "+&=;:@,!$'()*~"),
        ("<>[]{}|^`", "%3C%3E%5B%5D%7B%7D%7C%5E%60"), ("caf\u{E9}", "caf%C3%A9"), ("cafe\u{301}", "cafe%CC%81"),
        ("\u{4EFB}\u{52D9}", "%e4%bb%bb%E5%8B%99"), ("\\ud83d\\ude80", "%F0%9F%9A%80"), ("{t}", "%7Bt%7D"),
        (String(repeating: "\u{20AC}", count: 85) + "x", String(repeating: "%E2%82%AC", count: 85) + "x"),
    ])
    func `an id may hold any character, and leads to its own task only`(json: String, path: String) async throws {
        try await withScheduler { server, _ in
            // Neighbours that a careless decoding would take for the same.
            for neighbour in ["a", "b", "x%", "a%252Fb", "100%25"] {
                try await server.submit(neighbour, parameters: #"{"n":0}"#)
            }
            let answer = try await server.post("/tasks", submission(json, parameters: #"{"n":1}"#))
            #expect(answer.status == 201)
            let read = try await server.get("/tasks/" + path)
            #expect(read.status == 200)
            let id = try #require(answer.text.split(separator: ",\"service\"").first)
            #expect(read.body.readableBytesView.firstRange(of: Array(id.utf8)) != nil)
            #expect(read.text.contains(#""parameters":{"n":1}"#))
        }
    }

    @Test func `two spellings of one character are two ids`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("caf\\u00e9", parameters: #"{"n":1}"#)
            try await server.submit("cafe\\u0301", parameters: #"{"n":2}"#)
            #expect(try await server.get("/tasks/caf%C3%A9").text.contains(#""parameters":{"n":1}"#))
            #expect(try await server.get("/tasks/cafe%CC%81").text.contains(#""parameters":{"n":2}"#))
        }
    }

    @Test(arguments: [
        ("x", "There is no task 'x'"), ("index", "There is no task 'index'"), ("%00", "There is no task '\\u0000'"),
        (String(repeating: "x", count: 300), "There is no task of so long an id"),
        ("%C3", "Not Found"), ("a%", "Not Found"), ("", "Not Found"), ("a/b", "Not Found"),
    ])
    func `an id that nobody has is not found`(path: String, detail: String) async throws {
        try await withScheduler { server, _ in
            try await server.submit("y")
            let answer = try await server.get("/tasks/" + path)
            #expect(answer.status == 404)
            #expect(answer.text == #"{"detail":"\#(detail)"}"#)
        }
    }

    @Test func `a record of the Python service is shown in the contract's form`() async throws {
        try await withScheduler { server, redis in
            try await redis.call(
                "SET", "dms:task:old",
                #"{"task_id":"old","service":"s","user_id":"u","parameters":{"a":[]},"priority":"low","#
                    + #""status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12.5"}"#)
            try await redis.call("SADD", "dms:task:index", "old")
            try await redis.call("RPUSH", "dms:queue:low", "old")
            let answer = try await server.get("/tasks/old")
            #expect(answer.timeless.contains(record("old", parameters: #"{"a":[]}"#)))
            #expect(answer.text.contains(#""enqueued_at":"2025-11-23T10:11:12.000000Z","#))
            #expect(answer.text.contains(#""updated_at":"2025-11-23T10:11:12.500000Z"}"#))
            #expect(answer.text.contains(#""position_in_priority":1,"#))
        }
    }
}
