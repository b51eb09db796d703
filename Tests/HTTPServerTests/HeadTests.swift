import NIOCore
import Scheduler
import TestSupport
import Testing

/// Heads that HTTP does not allow, or that say of the body what nobody here reads.
@Suite(.timeLimit(.minutes(1))) struct HeadTests {
    private static let bad: [(head: String, status: Int, reason: String)] = [
        ("GET /healthz HTTP/1.1\r\n", 400, "MALFORMED"),
        ("POST /submitter/next HTTP/1.1\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost:\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: x, y\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: http://x\r\n", 400, "MALFORMED"),
        ("GET /healthz HTTP/1.1\r\nHost: x:99999\r\n", 400, "MALFORMED"),
        ("GET http://x/healthz HTTP/1.1\r\n", 400, "MALFORMED"),
        ("POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n", 501, "CODING_UNKNOWN"),
        (
            "POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501,
            "CODING_UNKNOWN"
        ),
        ("POST /tasks HTTP/1.1\r\nHost: x\r\nTRANSFER-ENCODING: identity, chunked\r\n", 501, "CODING_UNKNOWN"),
        ("POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n", 400, "MALFORMED"),
        ("POST /tasks HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400, "MALFORMED"),
    ]

    @Test(arguments: bad)
    func `such a head is refused with its reason and closes the connection`(
        head: String, status: Int, reason: String
    ) async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send(head + "\r\n0\r\n\r\n" + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.status == status)
            #expect(answer.headers["x-dms-reason"] == reason)
            #expect(answer.headers["connection"] == "close")
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            #expect(answer.text.hasPrefix(#"{"detail":""#))
            // Nothing behind it is served.
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
        }
    }

    @Test(arguments: ["gzip", "chunked, gzip", "x", ""])
    func `a transfer coding without chunks at its end never gets through`(coding: String) async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n")
            let answer = try await connection.answer()
            #expect([400, 501].contains(answer.status))
            #expect(answer.headers["x-dms-reason"] != nil)
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
        }
    }

    @Test(arguments: ["chunked", "Chunked", " chunked "])
    func `a body in chunks is read`(coding: String) async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\(coding)\r\n\r\n2\r\n[]\r\n0\r\n\r\n")
            #expect(try await connection.answer().status == 422)
            try await connection.close()
        }
    }

    @Test func `behind requests that wait for their answers it is refused in its turn`() async throws {
        try await withScheduler { server, _ in
            let connection = try await server.connect()
            try await connection.send(
                "POST /submitter/next?wait_ms=20000 HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "POST /submitter/next HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
                    + "POST /submitter/next HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually { server.scheduler.waitingCalls == 1 }
            for id in ["a", "b"] { try await server.submit(id) }
            #expect(try await connection.answer().text.contains(#""task_id":"a""#))
            #expect(try await connection.answer().status == 200)
            #expect(try await connection.answer().status == 400)
            #expect(try await connection.remainderBeforeReset() == "")
            #expect(try await server.get("/tasks/b").text.contains(#""status":"queued""#))
            try await connection.close()
        }
    }
}
