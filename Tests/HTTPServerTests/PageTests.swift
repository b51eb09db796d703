import HTTPServer
import NIOCore
import TestSupport
import Testing

/// Requests as a browser sends them for a web page, on real sockets.
@Suite(.timeLimit(.minutes(2))) struct PageTests {
    /// A request's answer; its host is `localhost` unless the headers name one.
    private func send(_ line: String, _ headers: [String], _ body: String = "", _ server: ServerHarness) async throws
        -> HTTPAnswer
    {
        let connection = try await server.connect()
        var lines = headers
        if !headers.contains(where: { $0.hasPrefix("Host:") }) { lines.append("Host: localhost:8000") }
        if !body.isEmpty { lines.append("Content-Length: \(body.utf8.count)") }
        try await connection.send("\(line) HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n\(body)")
        let answer = try await connection.answer(toHead: line.hasPrefix("HEAD"))
        try await connection.close()
        return answer
    }

    private static let foreign = [
        ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"],
        ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: anything"],
        ["Sec-Fetch-Site: "],
        ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
        ["Origin: https://evil.example"], ["Origin: null"], ["Origin: "], ["Origin: http://localhost:3000"],
        ["Origin: http://localhost"], ["Origin: http://127.0.0.1:8000"], ["Origin: https://localhost"],
        ["Origin: file://localhost:8000"], ["Origin: http://localhost:8000.evil.example"],
        ["Origin: http://localhost:8000", "Origin: http://evil.example"], ["origin: http://evil.example"],
        ["Sec-Fetch-Site: none", "Origin: http://evil.example"],
    ]

    @Test(arguments: foreign)
    func `a page of another origin changes nothing, and is told so`(headers: [String]) async throws {
        try await withScheduler { server, redis in
            try await server.submit("t")
            let token = ["X-DMS-Operator-Token: sesame"]
            for (line, body) in [
                ("POST /submitter/next", ""), ("POST /tasks", submission("u")),
                ("POST /tasks/cancel", #"{"task_id":"t","service":"s","user_id":"u"}"#),
                ("POST /admin/priority", #"{"task_id":"t","priority":"high"}"#),
                ("POST /admin/block", #"{"blocked":true}"#), ("POST /admin/resume", ""),
            ] {
                let answer = try await send(line, headers + token, body, server)
                #expect(answer.status == 403, "\(line)")
                #expect(answer.headers["x-dms-reason"] == "CROSS_SITE")
                #expect(answer.text.contains("A web page of another origin may not do this"))
                #expect(answer.headers.keys.allSatisfy { !$0.hasPrefix("access-control") })
            }
            let preflight = try await send("OPTIONS /submitter/next", headers, "", server)
            #expect(preflight.status == 405)
            let task = try await server.get("/tasks/t")
            #expect(task.text.contains(#""priority":"low","status":"queued""#))
            #expect(try await server.get("/tasks/u").status == 404)
            #expect(try await server.get("/admin/block", token: "sesame").text == #"{"blocked":false,"reason":null}"#)
        }
    }

    @Test(arguments: foreign)
    func `what it can read without being shown it is no harm`(headers: [String]) async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            for line in ["GET /tasks/t", "HEAD /tasks", "GET /stats", "GET /healthz"] {
                let answer = try await send(line, headers, "", server)
                #expect(answer.status == 200)
                #expect(answer.headers.keys.allSatisfy { !$0.hasPrefix("access-control") })
            }
        }
    }

    @Test(arguments: [
        [], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"], ["Origin: http://localhost:8000"],
        ["Origin: HTTP://LOCALHOST:8000", "Sec-Fetch-Site: same-origin"],
        ["Host: 127.0.0.1", "Origin: http://127.0.0.1"], ["Host: 127.0.0.1", "Origin: http://127.0.0.1:80"],
        ["Host: localhost:80", "Origin: http://localhost"], ["Host: [::1]:8000", "Origin: http://[::1]:8000"],
        // A proxy in front speaks TLS.
        ["Host: dms.example.org", "Origin: https://dms.example.org"],
        ["Host: dms.example.org:443", "Origin: https://dms.example.org"],
        // A proxy in front that has changed the host; the browser knows.
        ["Host: dms.example.org", "Origin: https://portal.example.org", "Sec-Fetch-Site: same-origin"],
    ])
    func `programs, and pages of the server's own origin, are served`(headers: [String]) async throws {
        var configuration = RESTServer.Configuration.patient
        try configuration.hosts.add("dms.example.org")
        try await withScheduler(configuration) { server, _ in
            let submitted = try await send("POST /tasks", headers, submission("t"), server)
            #expect(submitted.status == 201)
            let next = try await send("POST /submitter/next", headers, "", server)
            #expect(next.status == 200)
        }
    }

    @Test(arguments: ["evil.example", "evil.example:8000", "dms.example.org.evil.example", "scheduler"])
    func `a host that is not known is refused, reads and writes alike, and the answer says what to set`(host: String)
        async throws
    {
        var configuration = RESTServer.Configuration.patient
        try configuration.hosts.add("dms.example.org")
        try await withScheduler(configuration) { server, _ in
            try await server.submit("t")
            let name = String(host.prefix { $0 != ":" })
            // Since the page's name leads here, the browser takes it for this server's.
            let headers = ["Host: \(host)", "Origin: http://\(host)", "Sec-Fetch-Site: same-origin"]
            for line in [
                "POST /submitter/next", "GET /tasks/t", "GET /tasks", "GET /stats", "HEAD /metrics",
                "GET /openapi.json",
            ] {
                let answer = try await send(line, headers, "", server)
                #expect(answer.status == 403, "\(line)")
                #expect(answer.headers["x-dms-reason"] == "HOST_UNKNOWN")
                if line.hasPrefix("HEAD") { continue }
                #expect(answer.text.contains("DMS_HTTP_HOSTS=\(name),"))
            }
            // Probes ask for any.
            for line in ["GET /healthz", "HEAD /readyz"] {
                let answer = try await send(line, headers, "", server)
                #expect(answer.status == 200)
            }
            #expect(try await server.get("/tasks/t").text.contains(#""status":"queued""#))
        }
    }

    @Test func `an HTTP/1.0 client without a host is served, a page's is not`() async throws {
        try await withScheduler { server, _ in
            for (origin, status) in [("", 204), ("Origin: http://localhost\r\n", 403)] {
                let connection = try await server.connect()
                try await connection.send("POST /submitter/next HTTP/1.0\r\n\(origin)\r\n")
                #expect(try await connection.answer().status == status)
                #expect(try await connection.remainder() == "")
                try await connection.close()
            }
        }
    }
}
