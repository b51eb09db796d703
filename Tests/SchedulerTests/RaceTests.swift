import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

/// The races that the Python service loses, and the account that must be right after each.
@Suite struct RaceTests {
    /// Lists, indexes, records and counters must tell one story.
    static func checkAccount(_ harness: Harness) async throws {
        var queued: [String] = []
        for priority in Priority.allCases {
            let list = try await harness.list("LRANGE", "dms:queue:\(priority.rawValue)", "0", "-1")
            #expect(try await harness.list("ZRANGE", "dms:positions:\(priority.rawValue)", "0", "-1") == list)
            for id in list {
                let record = try await harness.get(id).record
                #expect(record.status == .queued)
                #expect(record.priority == priority)
            }
            queued += list
        }
        #expect(Set(queued).count == queued.count)
        var byStatus: [TaskStatus: UInt64] = [:]
        let known = try await harness.list("SMEMBERS", "dms:task:index")
        for id in known { byStatus[try await harness.get(id).record.status, default: 0] += 1 }
        let statistics = try await harness.statistics()
        #expect(statistics.queued == UInt64(known.count))
        #expect(byStatus[.queued, default: 0] == statistics.overview.total)
        #expect(byStatus[.canceled, default: 0] == statistics.canceled)
    }

    @Test func `of many submissions of one id at once exactly one is taken`() async throws {
        try await Harness.with { harness in
            for id in 0..<20 {
                let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<16 {
                        group.addTask {
                            try await Harness.refusal {
                                try await harness.enqueue("t\(id)", Priority.allCases[number % 3])
                            } == nil
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(taken == 1)
            }
            #expect(try await harness.statistics().overview.total == 20)
            try await RaceTests.checkAccount(harness)
        }
    }

    @Test func `cancel, priority change and next at once leave each task in one place`() async throws {
        try await Harness.with { harness in
            for number in 0..<300 { try await harness.enqueue("t\(number)", Priority.allCases[number % 3]) }
            let handedOut = try await withThrowingTaskGroup(of: [String].self) { group in
                for number in 0..<300 {
                    group.addTask {
                        if number % 3 == 0 { _ = try await harness.cancel("t\(number)") }
                        if number % 3 == 1 {
                            _ = try await Harness.refusal { _ = try await harness.setPriority("t\(number)", .high) }
                        }
                        return []
                    }
                    if number % 4 == 0 { group.addTask { try await harness.nextIDs(2) } }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(handedOut).count == handedOut.count)
            try await RaceTests.checkAccount(harness)
            #expect(try await harness.statistics().dispatched == UInt64(handedOut.count))
            for id in handedOut { #expect(try await harness.get(id).record.attempt == 1) }
        }
    }

    @Test func `no submission is taken after a block was answered`() async throws {
        try await Harness.with { harness in
            let (before, after) = try await withThrowingTaskGroup(of: [Bool].self) { group in
                group.addTask {
                    var outcomes: [Bool] = []
                    for number in 0..<400 {
                        outcomes.append(try await Harness.refusal { try await harness.enqueue("t\(number)") } == nil)
                    }
                    return outcomes
                }
                try await eventually { try await harness.statistics().queued >= 50 }
                _ = try await harness.pool.call { $0.block(true, reason: nil, caller: Harness.asOperator) }
                let counted = try await harness.statistics().queued
                let outcomes = try await group.next() ?? []
                #expect(outcomes.prefix(Int(counted)).allSatisfy { $0 })
                return (counted, outcomes.filter { $0 }.count)
            }
            #expect(before == UInt64(after))
            try await RaceTests.checkAccount(harness)
        }
    }
}
