import DMSClient
import DMSModel
import DMSWire
import NIOCore
import RedisLink
import TestSupport
import Testing

/// A scheduler that reaches a master and its replica by HAProxy only, as `docs/examples/haproxy.cfg` leads to them.
@Suite(.serialized) struct HAProxyTests {
    private struct Site {
        let master: TestRedis
        let replica: TestRedis
        let proxy: TestHAProxy
        let scheduler: SchedulerProcess
        let client: DMSClient

        /// Waits until every event loop has its links: clients' connections go to one loop after the other.
        func awaitAllLinks() async throws {
            try await eventually {
                for _ in 0..<8 where try await scheduler.http("GET", "/readyz").status != 200 { return false }
                return true
            }
        }

        /// Submits over REST.
        func submit(_ id: String, _ priority: String = "low") async throws -> HTTPAnswer {
            let task = #""task_id":"\#(id)","service":"copy","user_id":"ada","priority":"\#(priority)""#
            return try await scheduler.http("POST", "/tasks", "{\(task),\"parameters\":{}}")
        }

        /// Submits until the task is there; an attempt of unknown outcome may have put it there already.
        func submitAtLast(_ id: String, _ priority: String = "low") async throws {
            try await eventually { [201, 409].contains(try await submit(id, priority).status) }
        }

        /// Waits until a submission finds no Redis, so that nothing is done.
        func awaitRefusal(of id: String) async throws {
            try await eventually { try await submit(id).status == 503 }
            try await eventually { try await scheduler.http("GET", "/readyz").status == 503 }
        }

        /// Makes a call over the binary door, again while that finds no Redis: each event loop has a link of its own, and they do
        /// not come back at once.
        func call<Value>(_ body: (SubmitterCalls) async throws -> Value) async throws -> Value {
            var value: Value?
            try await eventually {
                do {
                    value = try await body(client.submitter)
                } catch DMSClientError.rpc(let error) where error.knownReason == .storeUnavailable {}
                return value != nil
            }
            return try #require(value)
        }

        /// What is in the queues, as it is handed out.
        func fetchAll() async throws -> [String] {
            try await call { try await $0.next(NextRequest(maxTasks: 50)) }.tasks.map(\.taskID.text)
        }

        /// What a task is read as, when reads are answered.
        func read(_ id: String) async throws -> HTTPAnswer {
            var answer = try await scheduler.http("GET", "/tasks/\(id)")
            try await eventually {
                if answer.status == 503 { answer = try await scheduler.http("GET", "/tasks/\(id)") }
                return answer.status != 503
            }
            return answer
        }

        /// The status that a task is read with; nil where it is not read.
        func status(of id: String) async throws -> String? {
            try await read(id).text.firstMatch(of: #/"status":"(\w+)"/#).map { String($0.1) }
        }

        /// Waits until the replica has all that the master has written so far.
        func awaitReplication() async throws {
            try await master.call("SET", "written-last", "1")
            try await eventually { try await replica.call("GET", "written-last").string == "1" }
        }
    }

    /// How often a server was asked to run scripts: a replica gets what they wrote and not the scripts, so there only reads count.
    private static func scriptsRun(by server: TestRedis) async throws -> Int {
        let statistics = try await server.call("INFO", "commandstats").string ?? ""
        return statistics.firstMatch(of: #/cmdstat_evalsha:calls=(\d+)/#).flatMap { Int($0.1) } ?? 0
    }

    /// Why a call is refused; nil where it is not.
    private static func refusal(of call: () async throws -> Void) async -> SchedulerError.Reason? {
        do { try await call() } catch DMSClientError.rpc(let error) { return error.knownReason } catch {}
        return nil
    }

    private func with(password: String? = nil, _ body: (Site) async throws -> Void) async throws {
        let arguments = password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
        let login = password.map { ":\($0)@" } ?? ""
        try await TestRedis.with(replicas: 1, arguments: arguments) { servers in
            try await TestHAProxy.with(servers, password: password) { proxy in
                try await withFolder { folder in
                    let (writer, reader) = ("127.0.0.1:\(proxy.writerPort)", "127.0.0.1:\(proxy.readerPort)")
                    let urls = ["redis://\(login)\(writer)", "redis://\(login)\(reader)"]
                    let scheduler = try await SchedulerProcess.start(
                        ["--redis-writer-url", urls[0], "--redis-reader-url", urls[1]], folder: folder)
                    let site = Site(
                        master: servers[0], replica: servers[1], proxy: proxy, scheduler: scheduler,
                        client: scheduler.client())
                    try await site.awaitAllLinks()
                    try await body(site)
                    await site.client.close()
                    #expect(try await scheduler.terminate() == 0)
                }
            }
        }
    }

    @Test func `a replica that was promoted is found, with all that was replicated in its order, and reads go on`()
        async throws
    {
        try await with(password: "secret") { site in
            let tasks = ["a": "low", "b": "mid", "c": "high", "d": "low", "e": "high", "f": "mid"]
            for (id, priority) in tasks.sorted(by: <) { #expect(try await site.submit(id, priority).status == 201) }
            let held = try await site.client.submitter.next(
                NextRequest(maxTasks: 2, leaseMilliseconds: 600_000)
            ).leasedTasks
            #expect(held.map(\.record.taskID.text) == ["c", "e"])
            let leases = held.map { LeaseReference(taskID: $0.record.taskID, token: $0.leaseToken) }
            _ = try await site.client.submitter.finish(leases[0], .completed())
            try await site.awaitReplication()
            // Who connected before the replica was seen to be one may read from the master.
            try await eventually {
                try await site.master.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                #expect(try await site.status(of: "c") == "completed")
                return try await Self.scriptsRun(by: site.replica) > 0
            }

            try await site.master.kill()
            try await site.awaitRefusal(of: "x")
            try await site.replica.call("REPLICAOF", "NO", "ONE")
            try await site.submitAtLast("g", "high")
            try await site.submitAtLast("h")
            // The lease that was given before holds.
            _ = try await site.call { try await $0.finish(leases[1], .completed()) }
            #expect(try await site.fetchAll() == ["g", "b", "f", "a", "d", "h"])
            // The only server left is read from, too.
            #expect(try await site.status(of: "c") == "completed")
            #expect(try await site.status(of: "e") == "completed")
            #expect(try await site.status(of: "g") == "dispatched")

            // The old master comes back as a replica, and is read from by who connects then.
            try await site.master.start()
            try await site.master.call("REPLICAOF", "127.0.0.1", "\(site.replica.port)")
            try await eventually {
                try await site.replica.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                #expect(try await site.status(of: "g") == "dispatched")
                return try await Self.scriptsRun(by: site.master) > 0
            }
            try await site.submitAtLast("i")
            #expect(try await site.fetchAll() == ["i"])
        }
    }

    @Test func `while two servers say that they are the master nobody new is let in, and none gets a wrong write`()
        async throws
    {
        try await with { site in
            #expect(try await site.submit("a").status == 201)
            try await site.awaitReplication()
            try await site.replica.call("REPLICAOF", "NO", "ONE")
            try await eventually { try await !site.proxy.letsWritersIn() }
            // A connection that stands goes on; a new one is refused.
            #expect(try await site.submit("b").status == 201)
            try await site.master.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try await site.awaitRefusal(of: "c")
            #expect(try await site.replica.call("LLEN", "dms:queue:low") == .integer(1))
            try await site.replica.call("REPLICAOF", "127.0.0.1", "\(site.master.port)")
            try await site.submitAtLast("c")
            #expect(try await site.fetchAll() == ["a", "b", "c"])
        }
    }

    @Test func `a proxy that is killed and started again is waited for, and nothing is taken meanwhile`() async throws {
        try await with { site in
            #expect(try await site.submit("a").status == 201)
            try await site.proxy.kill()
            try await site.awaitRefusal(of: "b")
            #expect(try await site.scheduler.http("GET", "/tasks/a").status == 503)
            try await site.proxy.start()
            try await site.submitAtLast("c")
            #expect(try await site.read("b").status == 404)
            #expect(try await site.fetchAll() == ["a", "c"])
        }
    }

    @Test func `a proxy that stops leaves a write's outcome unknown, and when it goes on everything is there once`()
        async throws
    {
        try await with { site in
            #expect(try await site.submit("a").status == 201)
            site.proxy.pause()
            let request = NextRequest(leaseMilliseconds: 600_000, submitterID: "w", requestID: "r")
            async let submission = site.submit("b")
            async let refusal = Self.refusal { _ = try await site.client.submitter.next(request) }
            let answer = try await submission
            #expect(answer.status == 500, "\(answer.text)")
            #expect(await refusal == .outcomeUnknown)
            try await site.awaitRefusal(of: "x")
            site.proxy.resume()
            try await site.submitAtLast("b")
            try await site.submitAtLast("c")
            // The same request gets what it got, whether that was done before or only now.
            let again = try await site.call { try await $0.next(request) }
            #expect(again.leasedTasks.map(\.record.taskID.text) == ["a"])
            // Nobody asked what became of x, which may have been on its way with b.
            #expect(try await site.fetchAll().filter { $0 != "x" } == ["b", "c"])
            try await site.awaitReplication()
            #expect(try await site.status(of: "c") == "dispatched")
        }
    }
}
