import DMSModel
import NIOConcurrencyHelpers
import NIOCore
import Scheduler
import TestSupport
import Testing

/// `Next` with `wait_ms`.
struct WaitingTests {
    private func waiting(_ count: UInt64, _ pool: SchedulerPool) async throws {
        try await eventually { try await pool.call { $0.statistics() }.waitingSubmitters == count }
    }

    private func wait(
        _ pool: SchedulerPool, _ milliseconds: UInt32 = 60_000, request: String = "", lease: UInt32 = 0
    ) async throws -> NextAnswer {
        let request = NextRequest(
            waitMilliseconds: milliseconds, leaseMilliseconds: lease, submitterID: "w", requestID: request)
        return try await pool.call { $0.next(request, caller: Caller()).answer }
    }

    @Test func `a call waits until a task is there`() async throws {
        try await Harness.with { harness in
            async let answer = wait(harness.pool)
            try await waiting(1, harness.pool)
            try await harness.enqueue("a")
            #expect(try await answer.tasks.map(\.taskID.text) == ["a"])
            try await waiting(0, harness.pool)
        }
    }

    @Test func `a wait that ends is an answer without a task`() async throws {
        try await Harness.with { harness in
            #expect(try await wait(harness.pool, 50).tasks == [])
            #expect(try await harness.statistics().waitingSubmitters == 0)
            try await harness.enqueue("a")
            #expect(try await harness.nextIDs() == ["a"])
        }
    }

    @Test func `who waits first is served first, on whatever event loop`() async throws {
        try await Harness.with { harness in
            let served = NIOLockedValueBox<[Int]>([])
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 0..<20 {
                    tasks.addTask {
                        let answer = try await wait(harness.pool)
                        served.withLockedValue { $0.append(number) }
                        #expect(answer.tasks.map(\.taskID.text) == ["t\(number)"])
                    }
                    try await waiting(UInt64(number + 1), harness.pool)
                }
                for number in 0..<20 { try await harness.enqueue("t\(number)") }
                while try await tasks.next() != nil {}
            }
            #expect(served.withLockedValue { $0.count } == 20)
        }
    }

    @Test func `a burst of some tasks wakes as many calls, and the others wait on`() async throws {
        try await Harness.with { harness in
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<30 { tasks.addTask { try await wait(harness.pool).tasks.count } }
                try await waiting(30, harness.pool)
                for number in 0..<7 { try await harness.enqueue("t\(number)") }
                for _ in 0..<7 { #expect(try await tasks.next() == 1) }
                try await waiting(23, harness.pool)
                #expect(try await harness.statistics().dispatched == 7)
                harness.pool.endWaits()
                var refused = 0
                while let result = await tasks.nextResult() {
                    if case .failure(let error as SchedulerError) = result, error.reason == .draining { refused += 1 }
                }
                #expect(refused == 23)
            }
        }
    }

    @Test func `a task enqueued at one scheduler wakes a call at another`() async throws {
        try await Harness.with { harness in
            try await Harness.with(harness.redis) { other in
                for round in 0..<5 {
                    async let answer = wait(other)
                    try await waiting(1, other)
                    try await harness.enqueue("t\(round)")
                    #expect(try await answer.tasks.map(\.taskID.text) == ["t\(round)"])
                }
            }
        }
    }

    @Test func `a call is woken although the message was lost`() async throws {
        try await Harness.with { harness in
            async let answer = wait(harness.pool)
            try await waiting(1, harness.pool)
            // As a program does that knows nothing of the channel.
            let record =
                #"{"task_id":"a","service":"copy","user_id":"ada","parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12","updated_at":"2025-11-23T10:11:12"}"#
            try await harness.redis.call("SET", "dms:task:a", record)
            try await harness.redis.call("RPUSH", "dms:queue:low", "a")
            #expect(try await answer.tasks.map(\.taskID.text) == ["a"])
        }
    }

    @Test func `a lease that ends, and a return, wake who waits`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let first = try await harness.leaseOne()
            async let second = wait(harness.pool, lease: 60_000)
            try await waiting(1, harness.pool)
            try await harness.giveBack(first.reference)
            #expect(try await second.leasedTasks.map(\.record.attempt) == [2])
            async let third = wait(harness.pool)
            try await waiting(1, harness.pool)
            try await harness.endAllLeases()
            #expect(try await third.leasedTasks.map(\.record.attempt) == [3])
        }
    }

    @Test func `a call that waits outlives a Redis that goes away and comes back`() async throws {
        try await Harness.with { harness in
            async let answer = wait(harness.pool)
            try await waiting(1, harness.pool)
            try await harness.redis.restart()
            try await harness.pool.ready(within: .seconds(30))
            try await eventually {
                // There already where an answer was lost with its connection.
                let refusal = try await Harness.refusal { try await harness.enqueue("a") }
                return refusal == nil || refusal == .taskExists
            }
            #expect(try await answer.tasks.map(\.taskID.text) == ["a"])
        }
    }

    @Test func `acks that come with a call that waits are done at once`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let task = try await harness.leaseOne()
            let unknown = LeaseReference(taskID: TaskID("nobody"), token: "x")
            let request = NextRequest(waitMilliseconds: 60_000, acks: [task.reference, unknown])
            async let answer = harness.next(request)
            try await eventually { try await harness.statistics().leased == 0 }
            try await waiting(1, harness.pool)
            try await harness.enqueue("b")
            let outcomes = try await answer
            #expect(outcomes.tasks.map(\.taskID.text) == ["b"])
            #expect(outcomes.acks.map(\.error?.reason) == [nil, .taskNotFound])
        }
    }

    @Test func `acks have their outcomes in an answer without a task, and in a repeated one`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let held = try await harness.lease(2).map(\.reference)
            let first = try await harness.lease(request: "r")
            let repeated = try await harness.next(
                NextRequest(submitterID: "w", requestID: "r", acks: [held[0]]))
            #expect(repeated.leasedTasks == first)
            #expect(repeated.acks == [LeaseOutcome(taskID: TaskID("a"))])
            for milliseconds in [0, 50] as [UInt32] {
                let empty = try await harness.next(
                    NextRequest(waitMilliseconds: milliseconds, acks: [held[1], held[0]]))
                #expect(empty.tasks == [])
                #expect(empty.acks == [LeaseOutcome(taskID: TaskID("b")), LeaseOutcome(taskID: TaskID("a"))])
            }
            #expect(try await harness.statistics().leased == 1)
        }
    }

    @Test func `who waits and asks only for an answer that was kept does not keep its twin from a task`() async throws {
        try await Harness.with { harness in
            // Somebody waits already, so that nobody who waits too is served before him.
            async let first = harness.next(NextRequest(waitMilliseconds: 60_000))
            try await waiting(1, harness.pool)
            // Other programs tell nobody; whoever waits looks once a second.
            try await harness.redis.call(
                "EVAL",
                """
                for number = 1, 3 do
                    local id = 't' .. number
                    redis.call('SET', 'dms:task:' .. id, '{"task_id":"' .. id .. '","service":"s","user_id":"u",' ..
                        '"parameters":{},"priority":"low","status":"queued","enqueued_at":"2025-11-23T10:11:12",' ..
                        '"updated_at":"2025-11-23T10:11:12"}')
                    redis.call('RPUSH', 'dms:queue:low', id)
                end
                """, "0")
            let answers = try await harness.pool.call { service in
                let both = [60_000, 0].map { wait in
                    service.next(
                        NextRequest(waitMilliseconds: wait, submitterID: "s", requestID: "r"), caller: Caller()
                    ).answer
                }
                return EventLoopFuture.whenAllSucceed(both, on: service.eventLoop)
            }
            #expect(answers.map(\.tasks.count) == [1, 1])
            #expect(answers.first?.tasks.first?.taskID == answers.last?.tasks.first?.taskID)
            #expect(try await first.tasks.count == 1)
            #expect(try await harness.statistics().dispatched == 2)
        }
    }

    @Test func `many callers that wait get each task exactly once`() async throws {
        try await Harness.with { harness in
            try await Harness.with(harness.redis) { other in
                let ids = NIOLockedValueBox<[String]>([])
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for number in 0..<24 {
                        let pool = number.isMultiple(of: 2) ? harness.pool : other
                        tasks.addTask {
                            while true {
                                let tasks = try await wait(
                                    pool, number < 12 ? 500 : 60_000, request: number < 12 ? "" : "r"
                                ).tasks
                                guard let task = tasks.first else { return }
                                if number < 12 { ids.withLockedValue { $0.append(task.taskID.text) } } else { return }
                            }
                        }
                    }
                    for sender in 0..<4 {
                        tasks.addTask {
                            for number in 0..<100 { try await harness.enqueue("t\(sender)-\(number)") }
                        }
                    }
                    while try await tasks.next() != nil {}
                }
                // The twelve with one name are one request with one answer.
                let taken = ids.withLockedValue { $0 } + (try await harness.nextIDs(1000))
                #expect(Set(taken).count == taken.count)
                #expect(taken.count == 399)
                #expect(try await harness.statistics().dispatched == 400)
            }
        }
    }
}
