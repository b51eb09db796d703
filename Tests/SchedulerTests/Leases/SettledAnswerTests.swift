import DMSModel
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

/// An answer is kept to be repeated as long as it may not have arrived: until the last of its tasks is settled.
@Suite(.timeLimit(.minutes(2))) struct SettledAnswerTests {
    private static let key = "dms:answer:1:w:r"

    /// Whether the answer is kept no longer; what is left of it is small, and soon gone.
    private func isForgotten(_ harness: Harness, _ key: String = key, isLeased: Bool = true) async throws -> Bool {
        let length = try await harness.redis.call("STRLEN", key).integer ?? 0
        let left = try await harness.redis.call("PTTL", key).integer ?? 0
        return length < 60 && left <= (isLeased ? 30_000 : 600_000)
    }

    enum Settling: CaseIterable {
        case ack, ackTwice, ackThenFinish, finish, cancel, giveBack, leaseEnd
    }

    @Test(arguments: Settling.allCases)
    func `an answer is forgotten once its last task is settled, and not before`(how: Settling) async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            let held = try await harness.lease(3, request: "r")
            #expect(Set(held.map(\.leaseToken)).count == 3)
            for (number, task) in held.enumerated() {
                #expect(try await !isForgotten(harness))
                let again = try await harness.lease(3, request: "r")
                #expect(again == held)
                switch how {
                case .ack: _ = try await harness.ack(task.reference)
                case .ackTwice:
                    _ = try await harness.ack(task.reference, task.reference)
                    _ = try await harness.ack(task.reference)
                case .ackThenFinish:
                    _ = try await harness.ack(task.reference)
                    try await harness.finish(task.reference, result: "1")
                    try await harness.finish(task.reference, result: "1")
                case .finish: try await harness.finish(task.reference, result: "1")
                case .cancel: _ = try await harness.cancel(task.id)
                case .giveBack: try await harness.giveBack(task.reference)
                case .leaseEnd:
                    try await harness.redis.call("ZADD", "dms:leases", "XX", "1", task.id)
                    try await eventually { try await harness.statistics().requeued == number + 1 }
                }
            }
            #expect(try await isForgotten(harness))
            // A duplicate of the request that comes late gets nothing and takes nothing, even where it would wait.
            let dispatched = try await harness.statistics().dispatched
            #expect(try await harness.lease(3, request: "r").isEmpty)
            let late = NextRequest(
                maxTasks: 3, waitMilliseconds: 60_000, leaseMilliseconds: 60_000, submitterID: "w", requestID: "r")
            #expect(try await harness.next(late).leasedTasks.isEmpty)
            #expect(try await harness.statistics().dispatched == dispatched)
            // Other requests are served, and so is this one once nothing of the first can be on its way any more.
            try await harness.redis.call("DEL", SettledAnswerTests.key)
            #expect(try await !harness.lease(request: "r").isEmpty)
        }
    }

    @Test(arguments: ["", "w", #"né "quoted" \ ,"request_id":"x"#])
    func `any names find their answer`(name: String) async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let request = name.isEmpty ? "r" : name
            let held = try await harness.lease(submitter: name, request: request)
            let key = try #require(try await harness.list("KEYS", "dms:answer:*").first)
            #expect(try await harness.lease(submitter: name, request: request) == held)
            _ = try await harness.ack(try #require(held.first).reference)
            #expect(try await isForgotten(harness, key))
            #expect(try await harness.get("a").record.submitterID == name)
        }
    }

    @Test func `a repetition that comes to nobody takes nothing back from who settled the answer`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let held = try await harness.lease(2, request: "r")
            let repeated = NextRequest(maxTasks: 2, leaseMilliseconds: 60_000, submitterID: "w", requestID: "r")
            let call = try await harness.pool.call { service in
                let call = service.next(repeated, caller: Caller())
                let bound = NIOLoopBound(call, eventLoop: service.eventLoop)
                return call.answer.map { _ in bound }
            }
            _ = try await harness.ack(held[0].reference, held[1].reference)
            #expect(try await isForgotten(harness))
            try await harness.redis.call("DEL", SettledAnswerTests.key)
            try await call.eventLoop.submit { call.value.abandon() }.get()
            // It goes through the same connection, behind whatever the call that was given up had done.
            for _ in 0..<20 { _ = try await harness.renew(held[0].reference) }
            try await harness.expectAgreement()
            #expect(try await harness.statistics().overview.total == 0)
            #expect(try await harness.finish(held[0].reference).status == .completed)
        }
    }

    @Test func `an answer without a lease is forgotten when its tasks are finished or canceled`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let request = NextRequest(maxTasks: 2, submitterID: "w", requestID: "r")
            #expect(try await harness.next(request).tasks.count == 2)
            try await harness.finish(LeaseReference(taskID: TaskID("a"), token: ""))
            #expect(try await !isForgotten(harness))
            #expect(try await harness.next(request).tasks.count == 2)
            _ = try await harness.cancel("b")
            #expect(try await isForgotten(harness, isLeased: false))
            // No lease would bring back what a late duplicate takes: so it takes nothing as long as the answer would have been there.
            #expect(try await harness.redis.call("PTTL", SettledAnswerTests.key).integer ?? 0 > 500_000)
            try await harness.enqueue("c")
            #expect(try await harness.next(request).tasks.isEmpty)
        }
    }

    @Test func `a task of an earlier answer is not counted off one that took its name`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let first = try await harness.lease(request: "r")
            try await harness.redis.call("DEL", SettledAnswerTests.key)
            let second = try await harness.lease(request: "r")
            #expect(first.map(\.id) + second.map(\.id) == ["a", "b"])
            _ = try await harness.ack(first[0].reference)
            #expect(try await harness.lease(request: "r") == second)
            _ = try await harness.ack(second[0].reference)
            #expect(try await isForgotten(harness))
        }
    }

    @Test(arguments: [true, false]) func `an answer that an earlier version kept is given again`(
        isLeased: Bool
    ) async throws {
        try await Harness.with { harness in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            let request = NextRequest(
                maxTasks: 2, leaseMilliseconds: isLeased ? 60_000 : 0, submitterID: "w", requestID: "r")
            let tasks = try await harness.next(request).leasedTasks
            #expect(tasks.count == 2)
            // One token for all, nothing behind the map, and no word of it in the records.
            let age = """
                local answer = cmsgpack.unpack(redis.call('GET', KEYS[1]))
                answer.lease = ARGV[1]
                for _, task in ipairs(answer.tasks) do
                    task[5] = nil
                    local record = string.gsub(redis.call('GET', 'dms:task:' .. task[1]), ',"request_id":"r"', '')
                    redis.call('SET', 'dms:task:' .. task[1],
                        (string.gsub(record, '"lease":"[^"]*"', '"lease":"' .. ARGV[1] .. '"')))
                end
                answer.rest = ',"submitter_id":"w"'
                redis.call('SET', KEYS[1], cmsgpack.pack(answer), 'PX', 600000)
                """
            try await harness.redis.call(
                "EVAL", age, "1", SettledAnswerTests.key, isLeased ? "ABCDEFGHIJKLMNOPQRSTUV" : "")
            let again = try await harness.next(request).leasedTasks
            #expect(again.map(\.record) == tasks.map(\.record))
            #expect(again.map(\.leaseExpiresAt) == tasks.map(\.leaseExpiresAt))
            for task in again {
                if isLeased { #expect(try await harness.ack(task.reference).first?.error == nil) }
                #expect(try await harness.finish(task.reference).status == .completed)
            }
            #expect(try await harness.next(request).leasedTasks.count == 2)
        }
    }
}
