import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct StoreFailureTests {
    @Test(arguments: ["", "dms.v1.Tasks", "dms.v1.Submitter", "dms.v1.Admin", "grpc.health.v1.Health"])
    func `a service serves while Redis answers`(service: String) async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            let request = HealthCheckRequest(service: service)
            #expect(try await caller.call(Methods.Health.check, request, []).status == .serving)
            try await scheduler.redis.kill()
            try await eventually {
                try await caller.call(Methods.Health.check, request, []).status == .notServing
            }
            try await scheduler.redis.start()
            try await eventually {
                try await caller.call(Methods.Health.check, request, []).status == .serving
            }
            await caller.client.close()
        }
    }

    @Test(arguments: ["dms.v1.Nothing", "dms.v1.tasks", " "])
    func `the health of a service that there is not is not found`(service: String) async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            #expect(
                try await caller.refusal(Methods.Health.check, HealthCheckRequest(service: service))
                    == .serviceUnknown)
            await caller.client.close()
        }
    }

    @Test func `while Redis is down calls are unavailable, afterwards they are not`() async throws {
        try await SchedulerServer.with(redis: ["--appendonly", "yes"]) { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("before")
            try await scheduler.redis.kill()
            let request = OverviewRequest()
            #expect(try await caller.refusal(Methods.Tasks.overview, request) == .storeUnavailable)
            #expect(
                try await caller.refusal(Methods.Tasks.enqueue, SchedulerServer.submission("t")) == .storeUnavailable)
            #expect(try await caller.refusal(Methods.Submitter.next, NextRequest()) == .storeUnavailable)
            try await scheduler.redis.start()
            let health = HealthCheckRequest()
            try await eventually { try await caller.call(Methods.Health.check, health).status == .serving }
            #expect(try await caller.next(10) == ["before"])
            await caller.client.close()
        }
    }

    @Test func `a submission that Redis was given and did not answer has an unknown outcome`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("before")
            scheduler.redis.pause()
            let reason = try await caller.refusal(Methods.Tasks.enqueue, SchedulerServer.submission("t"))
            scheduler.redis.resume()
            #expect(reason == .outcomeUnknown)
            await caller.client.close()
        }
    }

    @Test func `a Redis that is full takes no task`() async throws {
        try await SchedulerServer.with(redis: ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) { scheduler in
            let caller = try await scheduler.caller()
            #expect(try await caller.refusal(Methods.Tasks.enqueue, SchedulerServer.submission("t")) == .storeFull)
            await caller.client.close()
        }
    }

    @Test func `a Redis that may evict tasks is given none, and no service serves`() async throws {
        try await SchedulerServer.with { scheduler in
            let caller = try await scheduler.caller()
            try await caller.enqueue("a")
            try await scheduler.redis.evictTasks()
            let client = try await scheduler.server.client()
            var streamID: UInt32 = 1
            try await eventually {
                let answer = try await caller.call(Methods.Health.check, HealthCheckRequest())
                guard answer.status == .notServing else { return false }
                let error = try await client.refusal(
                    Methods.Tasks.enqueue, SchedulerServer.submission("b"), on: streamID, metadata: [])
                streamID += 2
                #expect(error.knownReason == .storeUnavailable)
                return error.message.contains("maxmemory-policy is allkeys-lru")
            }
            #expect(try await caller.next(10) == ["a"])
            #expect(try await caller.call(Methods.Health.check, HealthCheckRequest()).status == .notServing)
            await client.close()
            await caller.client.close()
        }
    }

    @Test func `a damaged Redis is told of with the key that is in the way`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            try await scheduler.redis.call("SET", "dms:queue:low", "not yours")
            let wrongType = try await client.refusal(
                Methods.Tasks.enqueue, SchedulerServer.submission("a"), on: 1, metadata: [])
            #expect(wrongType.knownReason == .storeUnavailable)
            #expect(wrongType.message.contains("the key 'dms:queue:low' is a string, not a list"))
            try await scheduler.redis.call("DEL", "dms:queue:low")
            try await scheduler.redis.call("SET", "dms:sequence", "many")
            let noNumber = try await client.refusal(
                Methods.Tasks.enqueue, SchedulerServer.submission("a"), on: 3, metadata: [])
            #expect(noNumber.knownReason == .storeUnavailable)
            #expect(noNumber.message.contains("the key dms:sequence"))
            await client.close()
        }
    }

    @Test func `a deadline passes while Redis does not answer`() async throws {
        try await SchedulerServer.with { scheduler in
            let client = try await scheduler.server.client()
            scheduler.redis.pause()
            await client.send(
                Bytes.request(Methods.Tasks.overview, OverviewRequest(), on: 1, timeoutNanoseconds: 20_000_000))
            let error = try await client.error(on: 1)
            scheduler.redis.resume()
            #expect(error.knownReason == .deadlineExceeded)
            await client.close()
        }
    }
}
