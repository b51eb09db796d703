import DMSModel
import HTTPServer
import NIOCore
import TestSupport
import Testing

/// How large and how many requests may be: at each limit, and one past it.
@Suite(.timeLimit(.minutes(1))) struct RequestLimitTests {
    /// A header field whose name and value have so many bytes together.
    private func field(_ number: Int, bytes: Int) -> (String, String) {
        let name = "X-\(number)-"
        return (name, String(repeating: "x", count: bytes - name.utf8.count))
    }

    private func expect(_ status: Int, _ server: ServerHarness, _ fields: [(String, String)]) async throws {
        let connection = try await server.connect()
        let answer = try await connection.call("GET", "/healthz", headers: fields)
        #expect(answer.status == status)
        if status == 431 {
            #expect(answer.text == #"{"detail":"Request Header Fields Too Large"}"#)
            #expect(try await connection.remainderBeforeReset() == "")
        } else {
            #expect(try await connection.call("GET", "/healthz").status == 200)
        }
        try await connection.close()
    }

    @Test func `a header field's value or name at its limit is taken, one byte more is not`() async throws {
        try await withServer { server in
            let most = String(repeating: "x", count: Limits.HTTP.fieldBytesMax)
            try await expect(200, server, [("X-Value", most)])
            try await expect(431, server, [("X-Value", most + "x")])
            try await expect(200, server, [(most, "v")])
            try await expect(431, server, [(most + "x", "v")])
        }
    }

    @Test func `target and header fields at their limit together are taken, one byte more is not`() async throws {
        try await withServer { server in
            let rest = Limits.HTTP.fieldsBytesMax - "/healthz".utf8.count - "Hostlocalhost".utf8.count
            let half = rest / 2
            try await expect(200, server, [field(1, bytes: half), field(2, bytes: rest - half)])
            try await expect(431, server, [field(1, bytes: half), field(2, bytes: rest - half + 1)])
        }
    }

    @Test func `as many header fields as may be are taken, one more is not`() async throws {
        try await withServer { server in
            let fields = (1..<Limits.HTTP.fieldsMax).map { field($0, bytes: 10) }
            try await expect(200, server, fields)
            try await expect(431, server, fields + [field(0, bytes: 10)])
        }
    }

    @Test func `a target at its limit is looked at, one byte more is a 414, and the connection lives`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            let target = "/healthz?x="
            let filling = String(repeating: "x", count: Limits.HTTP.targetBytesMax - target.utf8.count)
            #expect(try await connection.call("GET", target + filling).status == 200)
            let answer = try await connection.call("GET", target + filling + "x")
            #expect(answer.status == 414)
            #expect(answer.text == #"{"detail":"A request's target may have at most 8192 bytes"}"#)
            #expect(try await connection.call("GET", "/healthz").status == 200)
            try await connection.close()
        }
    }

    @Test func `a target without end is cut off, with an answer`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send("GET /")
            let part = String(repeating: "x", count: 16 << 10)
            // The server closes while this is sent.
            for _ in 0..<200 { try? await connection.send(part) }
            #expect(try await connection.answer().status == 431)
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
            #expect(try await server.call("GET", "/healthz").status == 200)
        }
    }

    @Test func `many requests in one piece are no long head`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            var requests = ByteBuffer()
            let headers = [("X-Filling", String(repeating: "x", count: 1000))]
            for _ in 0..<500 {
                requests.writeImmutableBuffer(HTTPConnection.request("GET", "/healthz", headers: headers))
            }
            try await connection.send(requests)
            for _ in 0..<500 { #expect(try await connection.answer().status == 200) }
            try await connection.close()
        }
    }

    @Test func `requests past the rate are answered with 429, on their connection alone`() async throws {
        var configuration = RESTServer.Configuration.patient
        configuration.requestsPerSecondMax = 2
        try await withServer(configuration) { server in
            let connection = try await server.connect()
            var requests = ByteBuffer()
            for _ in 0..<30 { requests.writeImmutableBuffer(HTTPConnection.request("GET", "/healthz")) }
            try await connection.send(requests)
            #expect(try await connection.answer().status == 200)
            #expect(try await connection.answer().status == 200)
            // The third, unless the machine took half a second for one.
            var refusals: [HTTPAnswer] = []
            for _ in 2..<30 {
                let answer = try await connection.answer()
                if answer.status != 200 { refusals.append(answer) }
            }
            let answer = try #require(refusals.first)
            #expect(answer.status == 429)
            #expect(answer.headers["retry-after"] == "1")
            #expect(answer.text == #"{"detail":"A connection may make 2 requests a second"}"#)
            #expect(try await server.call("GET", "/healthz").status == 200)
            let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 300_000)
            try await eventually {
                let status = try await connection.call("POST", "/nothing", body: body).status
                #expect(status == 404 || status == 429)
                return status == 404
            }
            try await connection.close()
        }
    }

    @Test func `a queue that is full is a 429 with a time`() async throws {
        try await withScheduler(queuedMax: 1) { server, _ in
            try await server.submit("a")
            let answer = try await server.post("/tasks", submission("b"))
            #expect(answer.status == 429)
            #expect(answer.headers["retry-after"] == "1")
            #expect(answer.text == #"{"detail":"As many tasks are queued as may be"}"#)
            #expect(try await server.next().status == 200)
            try await server.submit("b")
        }
    }
}
