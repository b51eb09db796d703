import HTTPServer
import NIOCore
import TestSupport
import Testing

/// What becomes of connections that are too many.
@Suite(.timeLimit(.minutes(1))) struct RefusedConnectionTests {
    private func configuration(_ change: (inout RESTServer.Configuration) -> Void) -> RESTServer.Configuration {
        var configuration = RESTServer.Configuration.patient
        configuration.connectionsMax = 2
        change(&configuration)
        return configuration
    }

    /// Waits until a new connection is served again.
    private func expectRoom(_ server: ServerHarness) async throws {
        try await eventually { (try? await server.call("GET", "/healthz").status) == 200 }
    }

    @Test(arguments: ["GET", "HEAD", "POST"])
    func `a connection past the limit is answered with 429 and closed, until another has gone`(method: String)
        async throws
    {
        try await withServer(configuration { _ in }) { server in
            let (first, second) = (try await server.connect(), try await server.connect())
            #expect(try await first.call("GET", "/healthz").status == 200)
            #expect(try await second.call("GET", "/healthz").status == 200)
            let third = try await server.connect()
            let body = method == "POST" ? ByteBuffer(repeating: UInt8(ascii: "x"), count: 300_000) : nil
            let answer = try await third.call(method, "/healthz", body: body)
            #expect(answer.status == 429)
            #expect(answer.headers["retry-after"] == "1")
            #expect(answer.headers["connection"] == "close")
            #expect(answer.headers["content-type"] == "application/json")
            if method != "HEAD" {
                #expect(answer.text == #"{"detail":"The server has as many connections as it may have"}"#)
            }
            #expect(try await third.remainder() == "")
            #expect(try await first.call("GET", "/healthz").status == 200)
            try await third.close()
            try await first.close()
            try await expectRoom(server)
            try await second.close()
        }
    }

    @Test func `a refused connection that asks for nothing is closed soon`() async throws {
        try await withServer(configuration { $0.tellingTime = .milliseconds(100) }) { server in
            let (first, second) = (try await server.connect(), try await server.connect())
            #expect(try await first.call("GET", "/healthz").status == 200)
            #expect(try await second.call("GET", "/healthz").status == 200)
            for start in ["", "GET /hea"] {
                let third = try await server.connect()
                if !start.isEmpty { try await third.send(start) }
                #expect(try await third.remainderBeforeReset() == "")
                try await third.close()
            }
            try await first.close()
            try await expectRoom(server)
            try await second.close()
        }
    }

    @Test func `past those that are told, connections are closed as they come`() async throws {
        let configuration = configuration {
            $0.connectionsMax = 1
            $0.toldMax = 1
        }
        try await withServer(configuration) { server in
            let first = try await server.connect()
            #expect(try await first.call("GET", "/healthz").status == 200)
            let told = try await server.connect()
            // Connections are accepted in their order.
            let closed = try await server.connect()
            #expect(try await closed.remainderBeforeReset() == "")
            #expect(try await told.call("GET", "/healthz").status == 429)
            for connection in [first, told, closed] { try await connection.close() }
            try await expectRoom(server)
        }
    }

    @Test func `an address has as many connections as it may have, and others are served meanwhile`() async throws {
        try await withServer(
            configuration {
                $0.connectionsMax = 100
                $0.connectionsPerAddressMax = 1
            }
        ) { server in
            let first = try await server.connect()
            #expect(try await first.call("GET", "/healthz").status == 200)
            let second = try await server.call("GET", "/healthz")
            #expect(second.status == 429)
            #expect(second.text.contains("from this address"))
            let neighbour = try await HTTPConnection.open(
                server.address, from: try SocketAddress(ipAddress: "127.0.0.2", port: 0))
            #expect(try await neighbour.call("GET", "/healthz").status == 200)
            try await first.close()
            try await expectRoom(server)
            try await neighbour.close()
        }
    }
}
