import NIOCore
import Scheduler
import TestSupport
import Testing

/// Wrong tokens of an address that has sent many; an earlier time is made up for these.
@Suite(.timeLimit(.minutes(1))) struct GuessingTests {
    private let guess = [("X-DMS-Operator-Token", "wrong")]

    /// Makes the address one whose next turn is a minute away; with `count`, as many were refused then.
    private func guessBefore(_ server: ServerHarness, count: Int = 1) throws {
        let client = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        for _ in 0..<count { _ = server.scheduler.wrongTokens.verdict(for: client, at: .now() + .seconds(60)) }
    }

    @Test func `who guesses on and on is refused, and loses the connection; a right token is never late`() async throws
    {
        try await withScheduler { server, _ in
            try guessBefore(server)
            let connection = try await server.connect()
            let begun = ContinuousClock.now
            try await connection.send(HTTPConnection.request("GET", "/admin/block", headers: guess))
            // Behind it on its connection comes nothing any more.
            try await connection.send(
                HTTPConnection.request("POST", "/admin/resume", headers: [("X-DMS-Operator-Token", "sesame")]))
            #expect(try await server.get("/admin/block", token: "sesame").status == 200)
            #expect(begun.duration(to: .now) < .milliseconds(900))
            let answer = try await connection.answer()
            #expect(answer.status == 429)
            #expect(answer.headers["x-dms-reason"] == "LIMIT_RATE")
            #expect(answer.headers["retry-after"] == "10")
            #expect(answer.headers["connection"] == "close")
            #expect(begun.duration(to: .now) >= .seconds(1))
            #expect(try await connection.remainderBeforeReset() == "")
            try await connection.close()
        }
    }

    @Test func `where too many are refused the connection is closed without a word`() async throws {
        try await withScheduler { server, _ in
            try guessBefore(server, count: 50)
            let connection = try await server.connect()
            try await connection.send(HTTPConnection.request("GET", "/admin/block", headers: guess))
            #expect(try await connection.remainderBeforeReset() == "")
            #expect(try await server.get("/admin/block", token: "sesame").status == 200)
        }
    }
}
