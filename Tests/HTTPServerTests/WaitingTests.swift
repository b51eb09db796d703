import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// `POST /submitter/next` with `wait_ms` and `lease_ms`.
struct WaitingTests {
    @Test func `a lease's token and end come in the headers`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            let answer = try await server.call("POST", "/submitter/next?lease_ms=30000&submitter_id=w")
            #expect(answer.status == 200)
            #expect(answer.headers["x-dms-lease-token"]?.wholeMatch(of: /[A-Za-z0-9_-]{22}-1/) != nil)
            let end = try #require(answer.headers["x-dms-lease-expires-at"])
            #expect(end.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
            #expect(
                answer.timeless == record("t", status: "dispatched", later: #","attempt":1,"submitter_id":"w""#))
            try await server.submit("u")
            let plain = try await server.next()
            #expect(plain.headers["x-dms-lease-token"] == nil)
            #expect(plain.headers["x-dms-lease-expires-at"] == nil)
        }
    }

    @Test func `the token in the headers is the holder's proof, and the end is the lease's`() async throws {
        try await withScheduler { server, redis in
            try await server.submit("t")
            let answer = try await server.call("POST", "/submitter/next?lease_ms=86400000")
            let token = try #require(answer.headers["x-dms-lease-token"])
            let end = try #require(try await redis.call("ZSCORE", "dms:leases", "t").string.flatMap { Int64($0) })
            let told = answer.headers["x-dms-lease-expires-at"].flatMap { Timestamp(text: $0) }
            // It is a moment later where tasks that end together would be parted.
            #expect(told.map { (0...10_000).contains(end - $0.microseconds) } == true)
            let lease = LeaseReference(taskID: TaskID("t"), token: token)
            let finish = TaskFinish(lease: lease, succeeded: true, result: ByteBuffer(string: "[1]"))
            _ = try await server.scheduler.call { $0.finish(finish, caller: Caller()) }
            let task = try await server.get("/tasks/t")
            #expect(task.text.contains(#""status":"completed""#))
            #expect(task.text.contains(#""result":[1]"#))
        }
    }

    @Test func `what came of a task that failed is shown with its error`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t")
            _ = try await server.next()
            let finish = TaskFinish(
                lease: LeaseReference(taskID: TaskID("t"), token: ""), succeeded: false,
                result: ByteBuffer(string: #"{"moved": 3}"#), error: "disk full")
            _ = try await server.scheduler.call { $0.finish(finish, caller: Caller()) }
            let later = #","attempt":1,"result":{"moved": 3},"error":"disk full""#
            for target in ["/tasks/t", "/tasks"] {
                let answer = try await server.get(target)
                #expect(answer.timeless.contains(record("t", status: "failed", later: later)), "\(answer.text)")
            }
        }
    }

    @Test func `a task that is handed out without a lease has no end, and waits for nobody's word`() async throws {
        try await withScheduler { server, redis in
            for (id, query) in [("a", ""), ("b", "?lease_ms=0"), ("c", "?wait_ms=600000&lease_ms=0")] {
                try await server.submit(id)
                let answer = try await server.call("POST", "/submitter/next" + query)
                #expect(answer.timeless == record(id, status: "dispatched", later: #","attempt":1"#))
                #expect(answer.headers["x-dms-lease-token"] == nil)
                #expect(try await redis.call("EXISTS", "dms:leases").integer == 0)
            }
        }
    }

    @Test func `a call waits for a task, and the connection serves on`() async throws {
        try await withScheduler { server, _ in
            let connection = try await server.connect()
            try await connection.send(HTTPConnection.request("POST", "/submitter/next?wait_ms=60000"))
            try await server.waitForWaiting(1)
            try await server.submit("t")
            #expect(try await connection.answer().status == 200)
            #expect(try await connection.call("POST", "/submitter/next?wait_ms=1").status == 204)
            #expect(try await connection.call("GET", "/healthz").status == 200)
            try await connection.close()
        }
    }

    @Test(arguments: [true, false])
    func `a client that goes away while it waits takes no task`(sendsEnd: Bool) async throws {
        try await withScheduler { server, _ in
            let connection = try await server.connect()
            try await connection.send(HTTPConnection.request("POST", "/submitter/next?wait_ms=60000"))
            try await server.waitForWaiting(1)
            if sendsEnd { try await connection.closeOutput() } else { try await connection.close() }
            try await server.waitForWaiting(0)
            try await server.submit("t")
            #expect(try await server.next().timeless.contains(#""attempt":1"#))
            if sendsEnd { try await connection.close() }
        }
    }

    @Test(arguments: [Duration.zero, .microseconds(200), .milliseconds(1), .milliseconds(5)])
    func `a client whose connection is reset takes no task, however early`(after time: Duration) async throws {
        try await withScheduler { server, _ in
            let request = HTTPConnection.request("POST", "/submitter/next?wait_ms=60000")
            for _ in 0..<60 {
                let connection = try await server.connect()
                try await connection.send(request)
                try await Task.sleep(for: time)
                try await connection.reset()
            }
            // Calls that are still on their way have begun to wait, or never will, when a later one has.
            let last = try await server.connect()
            try await last.send(request)
            try await server.waitForWaiting(1)
            try await last.reset()
            try await server.waitForWaiting(0)
            for number in 0..<60 { try await server.submit("t\(number)") }
            // One that is served only now, on a busy loop, gives back what it took.
            try await eventually {
                let overview = try await server.get("/queues/overview").text
                let statistics = try await server.get("/stats").text
                return overview.contains(#""low":60"#) && statistics.contains(#""dispatched":0"#)
            }
            #expect(try await server.next().timeless.contains(#""task_id":"t0""#))
        }
    }

    @Test func `who waits when the server shuts down is told so at once`() async throws {
        try await withScheduler { server, _ in
            let connection = try await server.connect()
            try await connection.send(HTTPConnection.request("POST", "/submitter/next?wait_ms=600000"))
            try await server.waitForWaiting(1)
            await server.stop()
            let refusal = try await connection.answer()
            #expect(refusal.status == 503)
            #expect(refusal.headers["retry-after"] != nil)
        }
    }
}

extension ServerHarness {
    /// Waits until that many calls wait for a task.
    fileprivate func waitForWaiting(_ count: Int) async throws {
        try await eventually { scheduler.waitingCalls == count }
    }
}
