import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@testable import HTTPServer

/// Whether a task that `POST /submitter/next` was answered with is its client's, or goes back.
@Suite(.timeLimit(.minutes(2))) struct DeliveryTests {
    /// How a client goes away.
    enum Vanishing: CaseIterable {
        case close, reset, halfCloseAndClose
    }

    /// More than a client's kernel takes while the client reads nothing.
    private static let large = #"{"x":"\#(String(repeating: "x", count: 1_000_000))"}"#

    private func request(_ query: String) -> ByteBuffer { HTTPConnection.request("POST", "/submitter/next" + query) }

    private func vanish(_ how: Vanishing, _ connection: HTTPConnection) async throws {
        switch how {
        case .close: try await connection.close()
        case .reset: try await connection.reset()
        case .halfCloseAndClose:
            try await connection.closeOutput()
            try await connection.close()
        }
    }

    @Test(arguments: Vanishing.allCases, ["", "?wait_ms=60000", "?lease_ms=60000", "?wait_ms=60000&lease_ms=60000"])
    func `a task that is handed out to a client that went away meanwhile goes back as if it had never been taken`(
        how: Vanishing, query: String
    ) async throws {
        try await withScheduler { server, redis in
            for id in ["a", "b"] { try await server.submit(id) }
            redis.pause()
            let connection = try await server.connect()
            try await connection.send(request(query))
            try await server.expectAllLoopsToHaveRead()
            try await vanish(how, connection)
            try await server.expectAllLoopsToHaveRead()
            redis.resume()
            if how != .reset {
                // It is taken, or this test would prove nothing; a reset may be faster.
                try await eventually { try await server.record("a").wasTaken }
            }
            try await server.expectUntouched(queued: 2)
            let answer = try await server.next()
            #expect(answer.text.contains(#""task_id":"a""#))
            #expect(answer.text.contains(#""attempt":1"#))
        }
    }

    @Test func `the tasks of connections that fall together stand as before`() async throws {
        try await withScheduler { server, redis in
            let ids = (0..<10).map { "t\($0)" }
            for id in ids { try await server.submit(id) }
            // On a busy machine a connection may fall before its request is at the scheduler.
            try await eventually {
                redis.pause()
                var connections: [HTTPConnection] = []
                for number in 0..<9 {
                    let connection = try await server.connect()
                    try await connection.send(request(number.isMultiple(of: 2) ? "" : "?lease_ms=60000"))
                    connections.append(connection)
                }
                try await server.expectAllLoopsToHaveRead()
                for connection in connections { try await connection.close() }
                try await server.expectAllLoopsToHaveRead()
                redis.resume()
                return try await server.record("t0").wasTaken
            }
            // Some may be taken and come back more than once.
            try await eventually {
                try await redis.call("LRANGE", "dms:queue:low", "0", "-1").array?.compactMap(\.string) == ids
            }
            try await server.expectUntouched(queued: 10)
        }
    }

    @Test(arguments: Vanishing.allCases, ["", "?wait_ms=60000"])
    func `a client that vanishes at any byte of a request is handed nothing`(
        how: Vanishing, query: String
    ) async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let bytes = request(query)
            for count in 0..<bytes.readableBytes {
                let connection = try await server.connect()
                try await connection.send(try #require(bytes.getSlice(at: 0, length: count)))
                try await vanish(how, connection)
            }
            try await server.expectAllLoopsToHaveRead()
            try await server.expectUntouched(queued: 1)
            #expect(try await server.next().text.contains(#""attempt":1"#))
        }
    }

    @Test(arguments: Vanishing.allCases, [false, true])
    func `a task whose answer did not leave the server goes back when its client vanishes`(
        how: Vanishing, hasSentItsLast: Bool
    ) async throws {
        try await withScheduler { server, _ in
            try await server.submit("t", parameters: DeliveryTests.large)
            let connection = try await server.connect()
            try await connection.stopReading()
            try await connection.send(request(""))
            if hasSentItsLast { try await connection.closeOutput() }
            try await eventually { try await server.get("/stats").text.contains(#""dispatched":1"#) }
            // A close with bytes unread is a reset, as of a process that was killed.
            if how == .halfCloseAndClose, hasSentItsLast {
                try await connection.close()
            } else {
                try await vanish(how, connection)
            }
            try await server.expectUntouched(queued: 1)
            #expect(try await server.next().text.contains(#""attempt":1"#))
        }
    }

    @Test(arguments: [false, true], ["", "?wait_ms=60000"])
    func `a client that sends no more, and is there, keeps the task that it gets`(
        isSlow: Bool, query: String
    ) async throws {
        try await withScheduler { server, redis in
            try await server.submit("t", parameters: isSlow ? DeliveryTests.large : "{}")
            redis.pause()
            let connection = try await server.connect()
            if isSlow { try await connection.stopReading() }
            try await connection.send(request(query))
            try await connection.closeOutput()
            try await server.expectAllLoopsToHaveRead()
            redis.resume()
            try await eventually { try await server.record("t").wasTaken }
            if isSlow { try await connection.startReading() }
            let answer = try await connection.answer()
            #expect(answer.status == 200)
            #expect(answer.text.contains(#""task_id":"t""#))
            #expect(try await connection.remainder() == "")
            try await connection.close()
            try await server.expectKept()
        }
    }

    @Test func `a client that resets the connection behind its answer keeps the task`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let connection = try await server.connect()
            try await connection.send(request(""))
            #expect(try await connection.answer().status == 200)
            try await connection.reset()
            try await server.expectKept()
        }
    }

    @Test(arguments: Vanishing.allCases)
    func `a client that vanishes under a later answer keeps the task that it got before`(how: Vanishing) async throws {
        try await withScheduler { server, _ in
            try await server.submit("large", parameters: DeliveryTests.large)
            #expect(try await server.next().status == 200)
            try await server.submit("t")
            let connection = try await server.connect()
            try await connection.send(request(""))
            #expect(try await connection.answer().text.contains(#""task_id":"t""#))
            try await connection.stopReading()
            // More than the kernel's buffers on both sides take.
            for _ in 0..<12 { try await connection.send(HTTPConnection.request("GET", "/tasks/large")) }
            try await server.expectAllLoopsToHaveRead()
            try await vanish(how, connection)
            try await server.expectKept(dispatched: 3)
        }
    }

    @Test func `a call that waits for a task is over when its client sends no more`() async throws {
        try await withScheduler { server, _ in
            let connection = try await server.connect()
            try await connection.send(request("?wait_ms=600000"))
            try await eventually { server.scheduler.waitingCalls == 1 }
            try await connection.closeOutput()
            #expect(try await connection.answer().status == 204)
            #expect(try await connection.remainder() == "")
            // Before it began to wait, too.
            let early = try await server.connect()
            try await early.send(request("?wait_ms=600000"))
            try await early.closeOutput()
            #expect(try await early.answer().status == 204)
            #expect(server.scheduler.waitingCalls == 0)
        }
    }

    @Test func `a client that sends no more gets all its answers, however late it reads them`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t", parameters: DeliveryTests.large)
            let connection = try await server.connect()
            try await connection.stopReading()
            // More than the kernel's buffers on both sides take.
            let count = 12
            for _ in 0..<count { try await connection.send(HTTPConnection.request("GET", "/tasks/t")) }
            try await connection.closeOutput()
            try await server.expectAllLoopsToHaveRead()
            try await connection.startReading()
            for _ in 0..<count { #expect(try await connection.answer().body.readableBytes > 1_000_000) }
            #expect(try await connection.remainder() == "")
        }
    }
}

extension ServerHarness {
    /// What every loop was sent before is read, and what was awaited of a client has come, as far as it was sent.
    fileprivate func expectAllLoopsToHaveRead() async throws {
        for _ in 0..<8 { #expect(try await get("/healthz").status == 200) }
    }

    fileprivate func record(_ id: String) async throws -> HTTPAnswer { try await get("/tasks/\(id)") }

    /// Waits until all tasks are in the queue, and none counts as handed out.
    fileprivate func expectUntouched(queued: Int) async throws {
        try await eventually {
            let statistics = try await get("/stats").text
            return statistics.contains(#""dispatched":0"#) && statistics.contains(#""low":\#(queued)"#)
        }
    }

    /// Expects that a task that was handed out is not handed out to the next who asks, who gets another.
    fileprivate func expectKept(dispatched: Int = 2) async throws {
        try await expectAllLoopsToHaveRead()
        try await submit("later")
        #expect(try await next().text.contains(#""task_id":"later""#))
        #expect(try await next().status == 204)
        #expect(try await get("/stats").text.contains(#""dispatched":\#(dispatched)"#))
    }
}

extension HTTPAnswer {
    /// Whether a task was changed since it was queued.
    fileprivate var wasTaken: Bool {
        guard let match = text.firstMatch(of: #/"enqueued_at":"([^"]+)","updated_at":"([^"]+)"/#) else { return false }
        return match.1 != match.2
    }
}
