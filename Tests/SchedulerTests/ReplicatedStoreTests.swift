import DMSModel
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// A scheduler that answers only when replicas have what it wrote.
@Suite struct ReplicatedStoreTests {
    private func with(
        replicas: Int = 1, within limit: Duration = .seconds(1),
        _ body: (Harness, [TestRedis]) async throws -> Void
    ) async throws {
        try await TestRedis.with(replicas: replicas) { servers in
            try await Harness.with(
                servers[0],
                configure: {
                    $0.redis.minReplicas = 1
                    $0.redis.replicaTimeout = limit
                }
            ) { try await body(Harness(redis: servers[0], pool: $0), servers) }
        }
    }

    @Test func `what is answered is at the replica`() async throws {
        try await with(within: .seconds(10)) { harness, servers in
            for id in ["a", "b"] {
                try await harness.enqueue(id)
                #expect(try await servers[1].call("EXISTS", "dms:task:\(id)").integer == 1)
            }
            let held = try await harness.lease(2)
            #expect(try await servers[1].call("LLEN", "dms:queue:low").integer == 0)
            try await harness.finish(held[0].reference)
            #expect(try await servers[1].call("HGET", "dms:stats", "completed").string == "1")
            #expect(try await harness.ack(held[1].reference).map(\.error?.reason) == [nil])
            #expect(try await servers[1].call("ZSCORE", "dms:leases", held[1].id).string == "inf")
        }
    }

    @Test func `without the replica every write says that its outcome is unknown, and reads are answered`() async throws
    {
        try await with { harness, servers in
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let held = try await harness.lease(1)
            servers[1].pause()
            let refusals = [
                try await Harness.refusal { try await harness.enqueue("d") },
                try await Harness.refusal { _ = try await harness.cancel("b") },
                try await Harness.refusal { _ = try await harness.setPriority("c", .high) },
                try await Harness.refusal {
                    _ = try await harness.pool.call { $0.block(true, reason: nil, caller: Harness.asOperator) }
                },
                try await Harness.refusal {
                    _ = try await harness.pool.call { $0.resume(reason: nil, caller: Harness.asOperator) }
                },
                try await Harness.refusal { _ = try await harness.renew(held[0].reference, milliseconds: 30_000) },
                try await Harness.refusal { _ = try await harness.finish(held[0].reference) },
                // It is there already, but nobody may rely on that.
                try await Harness.refusal { try await harness.enqueue("d") },
            ]
            #expect(refusals.allSatisfy { $0 == .outcomeUnknown }, "\(refusals)")
            #expect(try await harness.get("d").record.status == .queued)
            #expect(try await harness.statistics().completed == 1)
            servers[1].resume()
            try await eventually { try await Harness.refusal { try await harness.enqueue("d") } == .taskExists }
        }
    }

    @Test(arguments: [0, 30_000] as [UInt32])
    func `a hand-out that no replica has goes back, as if it had never been`(lease: UInt32) async throws {
        try await with { harness, servers in
            for id in ["a", "b"] { try await harness.enqueue(id) }
            servers[1].pause()
            let request = NextRequest(
                maxTasks: 2, leaseMilliseconds: lease, submitterID: "w", requestID: lease == 0 ? "" : "r")
            let refusal = try await Harness.refusal { _ = try await harness.next(request) }
            #expect(refusal == .outcomeUnknown)
            try await eventually { try await harness.statistics().overview.low == 2 }
            #expect(try await harness.statistics().dispatched == 0)
            servers[1].resume()
            var tasks: [TaskRecord] = []
            try await eventually {
                tasks = (try? await harness.next(request).tasks) ?? []
                return !tasks.isEmpty
            }
            #expect(tasks.map(\.taskID.text) == ["a", "b"])
            #expect(tasks.map(\.attempt) == [1, 1])
            try await harness.expectAgreement()
        }
    }

    @Test func `who finds nothing is told so, replica or not, and waits for more`() async throws {
        try await with { harness, servers in
            servers[1].pause()
            #expect(try await harness.nextIDs().isEmpty)
            async let waiting = Harness.refusal {
                _ = try await harness.next(NextRequest(waitMilliseconds: 60_000))
            }
            try await eventually { harness.pool.waitingCalls == 1 }
            #expect(try await Harness.refusal { try await harness.enqueue("a") } == .outcomeUnknown)
            // The task is handed to who waits, which no replica confirms.
            #expect(try await waiting == .outcomeUnknown)
            try await eventually { try await harness.statistics().overview.low == 1 }
            servers[1].resume()
            try await eventually { (try? await harness.nextIDs()) == ["a"] }
        }
    }
}
