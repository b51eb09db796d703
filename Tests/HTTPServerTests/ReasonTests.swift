import DMSModel
import NIOCore
import TestSupport
import Testing

@testable import HTTPServer

/// Every error names its reason in a header, so that no sentence has to be read.
@Suite(.timeLimit(.minutes(1))) struct ReasonTests {
    @Test func `errors of every kind name their reason`() async throws {
        try await withScheduler(submitterToken: "open") { server, _ in
            try await server.submit("t")
            let wrong = [("X-DMS-Operator-Token", "wrong")]
            let (long, longer) = (String(repeating: "x", count: 1 << 20), String(repeating: "x", count: 40_000))
            let big = submission("b", parameters: #"{"x":"\#(long)"}"#)
            let cancellation = #"{"task_id":"t","service":"s","user_id":"x"}"#
            let long414 = "/" + String(repeating: "x", count: Limits.HTTP.targetBytesMax)
            let answers: [(HTTPAnswer, Int, String?)] = [
                (try await server.get("/tasks/t"), 200, nil),
                (try await server.get("/nothing"), 404, "METHOD_UNKNOWN"),
                (try await server.get("/tasks/"), 404, "METHOD_UNKNOWN"),
                (try await server.get("/tasks/u"), 404, "TASK_NOT_FOUND"),
                (try await server.call("PUT", "/tasks"), 405, "METHOD_NOT_ALLOWED"),
                (try await server.post("/tasks", "{"), 422, "MALFORMED"),
                (try await server.post("/tasks", "{}"), 422, "INVALID_FIELD"),
                (try await server.get("/tasks?user=bob"), 422, "INVALID_FIELD"),
                (try await server.get("/tasks?cursor=x"), 422, "INVALID_FIELD"),
                (try await server.post("/tasks", submission("t")), 409, "TASK_EXISTS"),
                (try await server.post("/tasks", submission("v", priority: "high")), 403, "TOKEN_REQUIRED"),
                (try await server.next(), 403, "TOKEN_REQUIRED"),
                (try await server.call("GET", "/admin/block", headers: wrong), 403, "TOKEN_INVALID"),
                (try await server.call("HEAD", "/admin/block", headers: wrong), 403, "TOKEN_INVALID"),
                (try await server.post("/tasks/cancel", cancellation), 403, "NOT_OWNER"),
                (try await server.post("/tasks", big), 413, "LIMIT_PARAMETERS"),
                (try await server.get(long414), 414, "LIMIT_HEAD"),
                (try await server.call("GET", "/", headers: [("X", longer)]), 431, "LIMIT_HEAD"),
            ]
            for (answer, status, reason) in answers {
                #expect(answer.status == status)
                #expect(answer.headers["x-dms-reason"] == reason, "\(answer)")
            }
        }
    }

    @Test func `a body that is too large, or no HTTP, or too slow has one too`() async throws {
        var configuration = RESTServer.Configuration.patient
        configuration.requestTime = .milliseconds(50)
        try await withServer(configuration) { server in
            let head = "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: "
            for (bytes, status, reason) in [
                (head + "\(Limits.bodyBytesMax + 1)\r\n\r\n", 413, "LIMIT_BODY"),
                ("GARBAGE\r\n\r\n", 400, "MALFORMED"), (head + "9\r\n\r\n", 408, "DEADLINE_EXCEEDED"),
            ] {
                let connection = try await server.connect()
                try await connection.send(bytes)
                let answer = try await connection.answer()
                #expect(answer.status == status)
                #expect(answer.headers["x-dms-reason"] == reason)
                try await connection.close()
            }
        }
    }

    @Test func `a Redis that is away and a block are told apart, and the block gives its reason`() async throws {
        try await withServer { server in
            let answer = try await server.get("/stats")
            #expect(answer.status == 503)
            #expect(answer.headers["x-dms-reason"] == "STORE_UNAVAILABLE")
        }
        try await withScheduler { server, _ in
            // JSON within a sentence within JSON: the reason's quotes and escapes are escaped once more.
            for (reason, sentence) in [
                (#""Umzug\nam \"Montag\" \u001b[31m""#, #": \"Umzug\\u{A}am \"Montag\" \\u{1B}[31m\""#), ("null", ""),
                (#""""#, ""),
            ] {
                let block = #"{"blocked":true,"reason":\#(reason)}"#
                #expect(try await server.post("/admin/block", block, token: "sesame").status == 200)
                let answer = try await server.post("/tasks", submission("t"))
                #expect(answer.status == 503)
                #expect(answer.headers["x-dms-reason"] == "SUBMISSIONS_BLOCKED")
                #expect(answer.text == #"{"detail":"An admin has blocked submissions\#(sentence)"}"#)
            }
            let long = #"{"blocked":true,"reason":"\#(String(repeating: "x", count: 4000))"}"#
            _ = try await server.post("/admin/block", long, token: "sesame")
            #expect(try await server.post("/tasks", submission("t")).body.readableBytes < 400)
        }
    }
}
