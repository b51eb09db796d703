import HTTPServer
import NIOCore
import TestSupport
import Testing

/// What becomes of clients that are silent, slow or deaf.
@Suite(.timeLimit(.minutes(1))) struct TimeLimitTests {
    private func configuration(_ change: (inout RESTServer.Configuration) -> Void) -> RESTServer.Configuration {
        var configuration = RESTServer.Configuration.patient
        change(&configuration)
        return configuration
    }

    private let late = #"{"detail":"The request did not arrive in time"}"#

    @Test(arguments: ["", "G", "GET /healthz HTTP/1.1\r\nHost: x\r\n"])
    func `a connection without a whole head in time is closed`(start: String) async throws {
        try await withServer(configuration { $0.firstRequestTime = .seconds(1) }) { server in
            let connection = try await server.connect()
            if !start.isEmpty { try await connection.send(start) }
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
            try await eventually { (try? await server.call("GET", "/healthz").status) == 200 }
        }
    }

    @Test func `a kept connection on which nothing comes is closed`() async throws {
        try await withServer(configuration { $0.idleTime = .seconds(1) }) { server in
            let connection = try await server.connect()
            #expect(try await connection.call("GET", "/healthz").status == 200)
            #expect(try await connection.call("POST", "/nothing", body: ByteBuffer(string: "x")).status == 404)
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
        }
    }

    @Test func `a body that drips is answered with 408, and never taken for a whole one`() async throws {
        try await withScheduler(configuration { $0.requestTime = .milliseconds(300) }) { server, _ in
            let connection = try await server.connect()
            let text = submission("t")
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: \(text.utf8.count + 1000)\r\n\r\n" + text)
            try? await drip(" ", on: connection, times: 60)
            let answer = try await connection.answer()
            #expect(answer.status == 408)
            #expect(answer.text == late)
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
            #expect(try await server.get("/tasks/t").status == 404)
            try await server.submit("t")
        }
    }

    @Test func `the body of a request that was refused already may not drip either`() async throws {
        try await withServer(configuration { $0.requestTime = .seconds(2) }) { server in
            let connection = try await server.connect()
            try await connection.send("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            #expect(try await connection.answer().status == 404)
            try? await drip("x", on: connection, times: 60)
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
        }
    }

    @Test func `a body in many parts that is whole in time is read`() async throws {
        try await withScheduler(configuration { $0.requestTime = .seconds(20) }) { server, _ in
            let connection = try await server.connect()
            let text = submission("t")
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: \(text.utf8.count)\r\n\r\n")
            for character in text { try await connection.send(String(character)) }
            #expect(try await connection.answer().status == 201)
            try await connection.close()
        }
    }

    @Test func `who waits for a task is not taken for idle`() async throws {
        let configuration = configuration {
            $0.idleTime = .milliseconds(100)
            $0.requestTime = .milliseconds(100)
        }
        try await withScheduler(configuration) { server, _ in
            let connection = try await server.connect()
            #expect(try await connection.call("POST", "/submitter/next?wait_ms=700").status == 204)
            try await connection.close()
        }
    }

    @Test func `a Next whose body does not come takes no task`() async throws {
        try await withScheduler(configuration { $0.requestTime = .milliseconds(200) }) { server, _ in
            let connection = try await server.connect()
            try await connection.send(
                "POST /submitter/next?wait_ms=20000 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            #expect(try await connection.answer().status == 408)
            #expect(try await connection.remainderBeforeReset() == "")
            try await server.submit("t")
            #expect(try await server.get("/tasks/t").text.contains(#""status":"queued""#))
            #expect(try await server.next().status == 200)
            try await connection.close()
        }
    }

    @Test func `a client that takes nothing of what it asked for is cut off, others are served`() async throws {
        try await withScheduler(configuration { $0.unreadTime = .milliseconds(300) }) { server, _ in
            let parameters = #"{"x":""# + String(repeating: "x", count: 900_000) + #""}"#
            for number in 0..<3 { try await server.submit("t\(number)", parameters: parameters) }
            let connection = try await server.connect()
            try await connection.stopReading()
            var requests = ByteBuffer()
            for _ in 0..<20 { requests.writeImmutableBuffer(HTTPConnection.request("GET", "/tasks")) }
            try await connection.send(requests)
            // To a connection that is gone nothing can be sent.
            await #expect(throws: (any Error).self) { try await drip("GET /", on: connection, times: 1000) }
            #expect(try await server.call("GET", "/healthz").status == 200)
        }
    }

    private func drip(_ text: String, on connection: HTTPConnection, times: Int) async throws {
        for _ in 0..<times {
            try await connection.send(text)
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
