import DMSModel
import Scheduler
import TestSupport
import Testing

/// Two schedulers on one Redis, which know nothing of each other.
@Suite struct ReplicaTests {
    /// Runs the body with two of them.
    private func withTwo(_ body: (Harness, Harness) async throws -> Void) async throws {
        try await Harness.with { first in
            try await Harness.with(first.redis) { pool in
                try await body(first, Harness(redis: first.redis, pool: pool))
            }
        }
    }

    private func waiting(_ count: Int, _ harnesses: Harness...) async throws {
        try await eventually { harnesses.reduce(0) { $0 + $1.pool.waitingCalls } == count }
    }

    @Test(arguments: [1, 7, 12])
    func `some tasks wake as many of the calls that wait at both, and the others wait on`(count: Int) async throws {
        try await withTwo { first, second in
            try await withThrowingTaskGroup(of: [String].self) { tasks in
                for number in 0..<20 {
                    let harness = number.isMultiple(of: 2) ? first : second
                    tasks.addTask {
                        try await harness.next(NextRequest(waitMilliseconds: 60_000)).tasks.map(\.taskID.text)
                    }
                }
                try await waiting(20, first, second)
                for number in 0..<count {
                    try await (number.isMultiple(of: 3) ? first : second).enqueue("t\(number)")
                }
                var woken: [String] = []
                for _ in 0..<count { woken += try await tasks.next() ?? [] }
                #expect(woken.sorted() == (0..<count).map { "t\($0)" }.sorted())
                try await waiting(20 - count, first, second)
                #expect(try await first.statistics().dispatched == UInt64(count))
                // The others were not answered with nothing: they still wait, and each of them is told of the end.
                first.pool.endWaits()
                second.pool.endWaits()
                var told = 0
                while let result = await tasks.nextResult() {
                    if case .failure(let error as SchedulerError) = result, error.reason == .draining { told += 1 }
                }
                #expect(told == 20 - count)
            }
        }
    }

    @Test func `calls that wait at one scheduler are served in their order, whatever scheduler a task comes through`()
        async throws
    {
        try await withTwo { first, second in
            try await withThrowingTaskGroup(of: (Int, [String]).self) { tasks in
                for number in 0..<6 {
                    tasks.addTask {
                        let answer = try await first.next(NextRequest(waitMilliseconds: 60_000))
                        return (number, answer.tasks.map(\.taskID.text))
                    }
                    try await waiting(number + 1, first)
                }
                for number in 0..<6 { try await (number.isMultiple(of: 2) ? second : first).enqueue("t\(number)") }
                for try await (number, ids) in tasks { #expect(ids == ["t\(number)"]) }
            }
        }
    }

    @Test func `a request that is repeated at another scheduler gets the same answer, and takes nothing new`()
        async throws
    {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            var first: [LeasedTask] = []
            try await Harness.with(harness.redis) { (pool: SchedulerPool) async throws in
                let giver = Harness(redis: harness.redis, pool: pool)
                first = try await giver.lease(2, milliseconds: 30_000, request: "r")
                #expect(try await harness.lease(2, milliseconds: 30_000, request: "r") == first)
                // One that may wait is not made to, and one that asks for more does not get it.
                let request = NextRequest(maxTasks: 3, waitMilliseconds: 60_000, submitterID: "w", requestID: "r")
                #expect(try await harness.next(request).leasedTasks == first)
            }
            #expect(first.map(\.id) == ["a", "b"])
            // Also when the one that gave it is gone.
            #expect(try await harness.lease(2, milliseconds: 30_000, request: "r") == first)
            #expect(try await harness.statistics().dispatched == 2)
            #expect(try await harness.nextIDs() == ["c"])
        }
    }

    @Test func `a lease's token is good at every scheduler`() async throws {
        try await withTwo { first, second in
            for id in ["acked", "renewed", "returned", "finished", "acked along"] { try await first.enqueue(id) }
            let held = try await first.lease(5).map(\.reference)
            #expect(try await second.ack(held[0]).map(\.error?.reason) == [nil])
            #expect(try await second.renew(held[1]).first?.leaseExpiresAt != nil)
            let finished = try await second.finish(held[3], result: "1")
            #expect(finished.status == .completed)
            #expect(try await first.finish(held[3], result: "1") == finished)
            let returned = try await second.giveBack(held[2])
            #expect(returned.status == .queued)
            #expect(try await first.giveBack(held[2]) == returned)
            let answer = try await second.next(NextRequest(acks: [held[4]]))
            #expect(answer.tasks.map(\.taskID.text) == ["returned"])
            #expect(answer.acks == [LeaseOutcome(taskID: TaskID("acked along"))])
            #expect(try await first.statistics().leased == 1)
            try await first.expectAgreement()
        }
    }

    @Test func `a page's token is good at every scheduler`() async throws {
        try await withTwo { first, second in
            try await first.built()
            try await second.built()
            for id in ["a", "b", "c"] { try await first.enqueue(id) }
            let page = try await first.page(TaskQuery(pageSize: 2))
            #expect(page.tasks.map(\.taskID.text) == ["a", "b"])
            let rest = try await second.page(TaskQuery(pageSize: 2, pageToken: page.nextPageToken))
            #expect(rest.tasks.map(\.taskID.text) == ["c"])
        }
    }

    @Test func `leases that end are put back once, however many schedulers look`() async throws {
        try await withTwo { first, second in
            for number in 0..<200 { try await first.enqueue("t\(number)") }
            let held = try await first.lease(100).map(\.id) + second.lease(100).map(\.id)
            try await first.endAllLeases()
            try await eventually { try await first.statistics().overview.total == 200 }
            #expect(try await second.statistics().requeued == 200)
            try await first.expectAgreement()
            #expect(try await second.nextIDs(1000) == held)
        }
    }
}
