import DMSModel
import Logging
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// What fails over and over, and what the log is told of it.
@Suite struct FailureLogTests {
    @Test func `it is told at the beginning, once a minute and at the end, and never of a link that is down`() {
        let log = LogRecorder()
        var failures = FailureLog("it fails", over: "it is over", logger: Logger(label: "test") { _ in log.handler })
        func fail(at seconds: Int64, isLinkUp: Bool = true) {
            let now = NIODeadline.uptimeNanoseconds(1) + .seconds(seconds)
            failures.failed(SchedulerError(.storeUnavailable, "why"), isLinkUp: isLinkUp, now: now)
        }
        failures.succeeded()
        fail(at: 0, isLinkUp: false)
        #expect(log.lines.isEmpty)
        for second in 0..<120 as Range<Int64> { fail(at: second) }
        #expect(log.lines.map(\.message) == ["it fails", "it fails"])
        #expect(log.lines.allSatisfy { $0.level == .warning && $0.metadata.contains("why") })
        failures.succeeded()
        failures.succeeded()
        #expect(log.lines.map(\.message) == ["it fails", "it fails", "it is over"])
        fail(at: 121)
        #expect(log.lines.count == 4)
    }

    @Test func `tasks that cannot be requeued are counted and told of once, with the key that is in the way`()
        async throws
    {
        let log = LogRecorder()
        try await Harness.with(log: log) { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let call = try await harness.pool.call { service in
                let call = service.next(NextRequest(maxTasks: 3), caller: Caller())
                let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
                return call.answer.map { _ in bound }
            }
            func said() -> [LogRecorder.Line] { log.loud.filter { $0.message.contains("requeued") } }
            try await harness.breaking("dms:leases") {
                try await call.eventLoop.submit { call.value.abandon() }.get()
                try await eventually { !said().isEmpty }
                #expect(await harness.pool.undeliveredTasks == 3)
                #expect(said().count == 1)
                #expect(said().first?.level == .warning)
                #expect(said().first?.metadata.contains("the key 'dms:leases' is a string, not a zset") == true)
            }
            try await eventually { try await harness.statistics().overview.low == 3 }
            try await eventually { said().count == 2 }
            #expect(await harness.pool.undeliveredTasks == 0)
        }
    }

    @Test func `calls that wait and cannot be served are told of, and served when they can be`() async throws {
        let log = LogRecorder()
        func said() -> [LogRecorder.Line] { log.loud.filter { $0.message.hasPrefix("Calls that wait") } }
        try await Harness.with(log: log) { harness in
            try await harness.enqueue("a")
            let task = try #require(try await harness.lease(1).first)
            async let waiting = harness.next(NextRequest(waitMilliseconds: 60_000))
            try await eventually { harness.pool.waitingCalls == 1 }
            try await harness.breaking("dms:positions:low") {
                try await harness.redis.call("RPUSH", "dms:queue:low", "a")
                try await eventually { !said().isEmpty }
                #expect(said().first?.metadata.contains("'dms:positions:low' is a string, not a zset") == true)
            }
            #expect(try await harness.giveBack(task.reference).status == .queued)
            #expect(try await waiting.tasks.map(\.taskID.text) == ["a"])
            try await eventually { said().count == 2 }
        }
    }

    @Test func `an order of tasks that cannot be looked through is told of, and when it can`() async throws {
        let log = LogRecorder()
        func said() -> [LogRecorder.Line] { log.loud.filter { $0.message.hasPrefix("The order of tasks") } }
        try await Harness.with(
            log: log, prepare: { try await $0.call("SET", "dms:enqueued:left-out", "not yours") }
        ) { harness in
            try await eventually { said().count == 1 }
            #expect(said().first?.level == .warning)
            #expect(said().first?.metadata.contains("'dms:enqueued:left-out' is a string, not a set") == true)
            try await harness.redis.call("DEL", "dms:enqueued:left-out")
            try await harness.built()
            #expect(said().map(\.message).last == "The order of tasks is looked through again")
        }
    }

    @Test func `positions that cannot be mended are told of, with the key that is in the way`() async throws {
        let log = LogRecorder()
        try await Harness.with(log: log) { harness in
            // The scheduler looks at the positions itself before it builds the order of lists.
            try await harness.built()
            for id in ["a", "b"] { try await harness.enqueue(id) }
            try await harness.redis.call("DEL", "dms:positions:low")
            try await harness.breaking("dms:sequence") {
                let before = try await harness.contents()
                for _ in 0..<4 { #expect(try await harness.get("a").queuePosition == nil) }
                #expect(try await harness.contents() == before)
                let said = log.loud.filter { $0.message == "Positions in a queue cannot be mended" }
                // Each event loop says it once.
                #expect((1...2).contains(said.count))
                #expect(said.allSatisfy { $0.metadata.contains("the key dms:sequence") })
            }
            #expect(try await harness.get("a").queuePosition?.globalPosition == 1)
        }
    }
}
