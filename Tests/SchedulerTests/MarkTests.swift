import DMSModel
import RedisLink
import Scheduler
import TestSupport
import Testing

/// Tasks taken out of a queue's middle, where a mark is left in the list.
@Suite struct MarkTests {
    @Test func `a task in the middle leaves a mark that nobody sees`() async throws {
        try await Harness.with { harness in
            let ids = (0..<500).map { "t\($0)" }
            for id in ids { try await harness.enqueue(id) }
            for id in ids[200..<250] { _ = try await harness.cancel(id) }
            #expect(
                try await harness.list("LRANGE", "dms:queue:low", "200", "249") == Array(repeating: "\0gone", count: 50)
            )
            #expect(try await harness.statistics().overview == QueueOverview(high: 0, mid: 0, low: 450))
            #expect(try await harness.get("t199").queuePosition?.positionInPriority == 200)
            #expect(try await harness.get("t250").queuePosition?.positionInPriority == 201)
            #expect(try await harness.get("t499").queuePosition?.positionInPriority == 450)
            #expect(try await harness.nextIDs(1000) == Array(ids[..<200] + ids[250...]))
            #expect(try await harness.list("KEYS", "dms:queue:*").isEmpty)
            #expect(try await harness.list("KEYS", "dms:marks:*").isEmpty)
            #expect(try await harness.list("KEYS", "dms:positions:*").isEmpty)
        }
    }

    @Test func `a queue of nothing but marks is empty`() async throws {
        try await Harness.with { harness in
            let ids = (0..<400).map { "t\($0)" }
            for id in ids { try await harness.enqueue(id) }
            for id in ids[150..<250] + ids[..<150] + ids[250...] { _ = try await harness.cancel(id) }
            #expect(try await harness.statistics().overview == QueueOverview(high: 0, mid: 0, low: 0))
            #expect(try await harness.nextIDs() == [])
            try await harness.enqueue("last")
            #expect(try await harness.get("last").queuePosition?.positionInPriority == 1)
            #expect(try await harness.nextIDs() == ["last"])
        }
    }

    @Test func `a task that comes back to a queue stands at its tail, not where it was`() async throws {
        try await Harness.with { harness in
            let ids = (0..<300).map { "t\($0)" }
            for id in ids { try await harness.enqueue(id) }
            _ = try await harness.setPriority("t150", .high)
            _ = try await harness.setPriority("t150", .low)
            #expect(try await harness.get("t150").queuePosition?.positionInPriority == 300)
            #expect(try await harness.nextIDs(1000) == ids.filter { $0 != "t150" } + ["t150"])
        }
    }

    @Test func `another program may pop and push between marks`() async throws {
        try await Harness.with { harness in
            let ids = (0..<300).map { "t\($0)" }
            for id in ids { try await harness.enqueue(id) }
            for id in ids[120..<140] { _ = try await harness.cancel(id) }
            // The Python service hands out at the head, and its clients' tasks come to the tail.
            _ = try await harness.redis.call(["LPOP", "dms:queue:low", "130"])
            #expect(try await harness.get("t140").queuePosition?.positionInPriority == 1)
            #expect(try await harness.get("t299").queuePosition?.positionInPriority == 160)
            #expect(try await harness.statistics().overview.low == 160)
        }
    }

    /// Everything that moves tasks, at random, against a model of three arrays.
    @Test(arguments: [UInt64.random(in: 0 ... .max), 7])
    func `queues with marks behave as queues without`(seed: UInt64) async throws {
        try await Harness.with { harness in
            var generator = SplitMix(state: seed)
            var queues: [Priority: [String]] = [.high: [], .mid: [], .low: []]
            var number = 0
            func pick(_ priority: Priority) -> String? { queues[priority]?.randomElement(using: &generator) }
            for step in 0..<2500 {
                let priority = [Priority.low, .low, .low, .mid, .high].randomElement(using: &generator) ?? .low
                switch step < 700 ? 0 : generator.next() % 10 {
                case 0...3:
                    number += 1
                    try await harness.enqueue("t\(number)", priority)
                    queues[priority]?.append("t\(number)")
                case 4...6:
                    guard let id = pick(priority) else { continue }
                    _ = try await harness.cancel(id)
                    queues[priority]?.removeAll { $0 == id }
                case 7, 8:
                    guard let id = pick(priority) else { continue }
                    let other =
                        [Priority.low, .mid, .high].filter { $0 != priority }.randomElement(using: &generator) ?? .low
                    _ = try await harness.setPriority(id, other)
                    queues[priority]?.removeAll { $0 == id }
                    queues[other]?.append(id)
                default:
                    let count = Int(generator.next() % 4) + 1
                    var expected: [String] = []
                    for priority in [Priority.high, .mid, .low] {
                        let taken = (queues[priority] ?? []).prefix(count - expected.count)
                        expected += taken
                        queues[priority]?.removeFirst(taken.count)
                    }
                    #expect(try await harness.nextIDs(UInt32(count)) == expected, "seed \(seed), step \(step)")
                }
                guard step % 25 == 0, let id = pick(priority) else { continue }
                let summary = try await harness.get(id)
                let place = (queues[priority]?.firstIndex(of: id) ?? -1) + 1
                #expect(summary.queuePosition?.positionInPriority == UInt64(place), "seed \(seed), step \(step)")
                let overview = QueueOverview(
                    high: UInt64(queues[.high]?.count ?? 0), mid: UInt64(queues[.mid]?.count ?? 0),
                    low: UInt64(queues[.low]?.count ?? 0))
                #expect(summary.overview == overview, "seed \(seed), step \(step)")
                #expect(try await harness.statistics().overview == overview)
            }
            let rest = (queues[.high] ?? []) + (queues[.mid] ?? []) + (queues[.low] ?? [])
            #expect(try await harness.nextIDs(1000) == rest, "seed \(seed)")
            #expect(try await harness.list("KEYS", "dms:marks:*").isEmpty, "seed \(seed)")
        }
    }
}
