import DMSModel
import Scheduler
import TestSupport
import Testing

/// In which order tasks go back whose leases end together, and what comes of leases that are no more.
struct LeaseOrderTests {
    /// Ends all leases at once, and expects the tasks at the head of their queue in that order.
    private func expectBack(_ ids: [String], _ harness: Harness) async throws {
        #expect(try await harness.redis.lines("ZRANGE", "dms:leases", "0", "-1") == ids)
        try await harness.endAllLeases()
        try await eventually { try await harness.statistics().overview.total == ids.count }
        var order: [String] = []
        while order.count < ids.count { order += try await harness.nextIDs(1000) }
        #expect(order == ids)
    }

    @Test func `tasks of different hand-outs go back in their order, however many were asked for`() async throws {
        try await Harness.with { harness in
            var ids: [String] = []
            // Some of these hand-outs come just before the end of a slice of time that is looked at together.
            for round in 0..<100 {
                let few = (0...round % 3).map { "t\(round)-\($0)" }
                for id in few { try await harness.enqueue(id) }
                #expect(try await harness.lease(round.isMultiple(of: 2) ? 1000 : 3).map(\.id) == few)
                ids += few
            }
            try await expectBack(ids, harness)
        }
    }

    @Test func `who asks for much and gets little has no later an end for it`() async throws {
        try await Harness.with { harness in
            var moved = 0
            for round in 0..<150 {
                try await harness.enqueue("t\(round)")
                let task = try #require(try await harness.lease(1000).first)
                let told = try #require(task.leaseExpiresAt).microseconds
                let end = try #require(try await harness.text("ZSCORE", "dms:leases", task.id).flatMap(Double.init))
                if Int64(end) != told + 1 { moved += 1 }
            }
            // One microsecond in 10 000 is the last of a slice of time, and the end is in the next one then.
            #expect(moved <= 4)
        }
    }

    @Test func `large hand-outs that follow each other at once go back in their order`() async throws {
        try await Harness.with { harness in
            for number in 0..<900 { try await harness.enqueue("t\(number)") }
            var ids: [String] = []
            while ids.count < 900 { ids += try await harness.lease(.random(in: 1...120)).map(\.id) }
            try await expectBack(ids, harness)
        }
    }

    @Test func `tasks of different hand-outs that are renewed together keep their order`() async throws {
        try await Harness.with { harness in
            for number in 0..<300 { try await harness.enqueue("t\(number)") }
            var held: [LeasedTask] = []
            while held.count < 300 { held += try await harness.lease(.random(in: 1...40)) }
            for _ in 0..<20 {
                let mixed = held.shuffled().map(\.reference)
                let outcomes = try await harness.pool.call {
                    $0.renew(LeaseRenewal(leases: mixed, leaseMilliseconds: 30_000), caller: Caller())
                }
                #expect(outcomes.map(\.taskID) == mixed.map(\.taskID))
                #expect(outcomes.allSatisfy { $0.error == nil && $0.leaseExpiresAt != nil })
                let order = try await harness.redis.lines("ZRANGE", "dms:leases", "0", "-1")
                try #require(order == held.map(\.id))
            }
            try await expectBack(held.map(\.id), harness)
        }
    }

    @Test func `a renewal after ack says that there is no lease, and begins none`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("a")
            let held = try await harness.leaseOne()
            _ = try await harness.ack(held.reference)
            let record = try await harness.text("GET", "dms:task:a")
            for milliseconds in [UInt32(0), 5000] {
                #expect(
                    try await harness.renew(held.reference, milliseconds: milliseconds)
                        == [LeaseOutcome(taskID: TaskID("a"))])
            }
            #expect(try await harness.statistics().leased == 0)
            #expect(try await harness.text("GET", "dms:task:a") == record)
        }
    }

    @Test func `a renewal after finish or return comes too late, and changes nothing`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let held = try await harness.lease(3)
            try await harness.finish(held[0].reference, result: "1")
            try await harness.finish(held[1].reference, error: "no")
            try await harness.giveBack(held[2].reference)
            for _ in 0..<2 {
                let before = try await harness.contents()
                let outcomes = try await harness.pool.call {
                    $0.renew(LeaseRenewal(leases: held.map(\.reference), leaseMilliseconds: 5000), caller: Caller())
                }
                #expect(outcomes.map(\.error?.reason) == [.leaseLost, .leaseLost, .leaseLost])
                #expect(outcomes.allSatisfy { $0.leaseExpiresAt == nil && !$0.isCanceled })
                #expect(try await harness.contents() == before)
                // And the second time while somebody else holds what was returned.
                _ = try await harness.lease()
            }
        }
    }

    @Test func `acks that come too late are outcomes, and the call answers with a task`() async throws {
        try await Harness.with { harness in
            for id in ["a", "b", "c", "d"] { try await harness.enqueue(id) }
            let held = try await harness.lease(3)
            try await harness.giveBack(held[0].reference)
            _ = try await harness.cancel("c")
            let acks = [
                held[0].reference, held[1].reference, held[2].reference,
                LeaseReference(taskID: TaskID("b"), token: "x"), LeaseReference(taskID: TaskID("nobody"), token: "x"),
            ]
            let answer = try await harness.next(NextRequest(maxTasks: 2, acks: acks))
            #expect(answer.tasks.map(\.taskID.text) == ["a", "d"])
            #expect(answer.acks.map(\.taskID.text) == ["a", "b", "c", "b", "nobody"])
            #expect(answer.acks.map(\.error?.reason) == [.leaseLost, nil, nil, .leaseLost, .taskNotFound])
            #expect(answer.acks.map(\.isCanceled) == [false, false, true, false, false])
            #expect(try await harness.statistics().leased == 0)
        }
    }
}
