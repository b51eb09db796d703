import DMSClient
import DMSModel
import DMSWire
import Foundation
import NIOCore
import RedisLink
import Synchronization
import TestSupport
import Testing

/// Two schedulers under load while the master of their Redis dies or freezes and the sentinels make a replica the master.
///
/// `DMS_FAILOVER_ROUNDS` is how often for each way; it prints how long nothing was answered.
@Suite(.serialized) struct FailoverTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["DMS_FAILOVER_ROUNDS"].flatMap { Int($0) } ?? 1

    /// What clients were told, and when.
    private final class Ledger: Sendable {
        struct State {
            var submitted: [String: ContinuousClock.Instant] = [:]
            var finished: [String: ContinuousClock.Instant] = [:]
            var finishedTwice: [String] = []
            /// Calls whose outcome is unknown.
            var unknown = 0
            var isOver = false
        }

        let state = Mutex(State())

        /// Whether no more calls are to be made.
        var isOver: Bool { state.withLock(\.isOver) }
        func end() { state.withLock { $0.isOver = true } }

        var submitted: Set<String> { state.withLock { Set($0.submitted.keys) } }
        var finished: Set<String> { state.withLock { Set($0.finished.keys) } }

        /// When a submission, and the end of a task that was fetched, were answered first behind that time.
        func firstAnswer(
            after time: ContinuousClock.Instant
        ) -> (submission: ContinuousClock.Instant?, finish: ContinuousClock.Instant?) {
            state.withLock { state in
                (state.submitted.values.filter { $0 > time }.min(), state.finished.values.filter { $0 > time }.min())
            }
        }

        /// Makes a call, and notes what came of it.
        func note(_ call: () async throws -> Void) async {
            do {
                try await call()
            } catch DMSClientError.rpc(let error) where error.knownReason == .outcomeUnknown {
                state.withLock { $0.unknown += 1 }
            } catch {
                // Refused: nothing was done. Not so often that only refusals are made.
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    enum Failure: String, CaseIterable {
        case killed, frozen
    }

    @Test(arguments: Failure.allCases, 0..<FailoverTests.rounds)
    func `a failover costs at most two seconds more than it takes, and nothing that was said is lost`(
        failure: Failure, round: Int
    ) async throws {
        try await TestSentinels.with(replicas: 2) { group in
            try await withFolder { folder in
                let arguments = ["--redis-writer-url", group.text(), "--redis-min-replicas", "1"]
                let schedulers = [
                    try await SchedulerProcess.start(arguments, folder: folder),
                    try await SchedulerProcess.start(arguments, folder: folder),
                ]
                let ledger = Ledger()
                let old = try #require(try await group.currentMaster())
                let clock = ContinuousClock()
                let (failed, elected) = try await Self.underLoad(schedulers, ledger) {
                    try await eventually { ledger.submitted.count > 300 && ledger.finished.count > 100 }
                    let failed = clock.now
                    if failure == .killed { try await old.kill() } else { old.pause() }
                    _ = try await group.failover(from: old)
                    let elected = clock.now
                    try await eventually {
                        let first = ledger.firstAnswer(after: elected)
                        return first.submission != nil && first.finish != nil
                    }
                    let now = ledger.submitted.count
                    try await eventually { ledger.submitted.count > now + 300 }
                    return (failed, elected)
                }
                let first = ledger.firstAnswer(after: elected)
                let submission = try #require(first.submission) - elected
                let finish = try #require(first.finish) - elected
                let state = ledger.state.withLock { $0 }
                print(
                    "failover (\(failure)): the sentinels took \(elected - failed), then the first submission \(submission), "
                        + "the first task fetched and finished \(finish); \(state.submitted.count) submitted, "
                        + "\(state.finished.count) finished, \(state.unknown) calls of unknown outcome")
                #expect(submission < .seconds(2))
                #expect(finish < .seconds(2))
                if failure == .frozen { old.resume() }
                let master = try #require(try await group.currentMaster())
                try await Self.expectNothingLost(ledger, schedulers[0], master)
                for scheduler in schedulers { #expect(try await scheduler.terminate() == 0) }
            }
        }
    }

    /// Runs the body while clients of both schedulers submit and fetch.
    private static func underLoad<Value: Sendable>(
        _ schedulers: [SchedulerProcess], _ ledger: Ledger, _ body: () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (number, scheduler) in schedulers.enumerated() {
                for worker in 0..<4 {
                    tasks.addTask {
                        let client = scheduler.client()
                        var count = 0
                        while !ledger.isOver {
                            count += 1
                            await submit("\(number)-\(worker)-\(count)", client, ledger)
                        }
                        await client.close()
                    }
                }
                tasks.addTask {
                    let client = scheduler.client()
                    while !ledger.isOver { await fetch(client, ledger) }
                    await client.close()
                }
            }
            do {
                let value = try await body()
                ledger.end()
                try await tasks.waitForAll()
                return value
            } catch {
                ledger.end()
                throw error
            }
        }
    }

    private static func submit(_ id: String, _ client: DMSClient, _ ledger: Ledger) async {
        let submission = TaskSubmission(
            taskID: TaskID(id), service: "copy", userID: "ada", parameters: ByteBuffer(string: "{}"))
        await ledger.note {
            _ = try await client.tasks.enqueue(submission)
            ledger.state.withLock { $0.submitted[id] = .now }
        }
    }

    /// Fetches tasks under a short lease, so that they come back where an answer was lost, and finishes them.
    private static func fetch(_ client: DMSClient, _ ledger: Ledger, _ count: UInt32 = 2) async {
        await ledger.note {
            let answer = try await client.submitter.next(NextRequest(maxTasks: count, leaseMilliseconds: 1000))
            for task in answer.leasedTasks {
                let lease = LeaseReference(taskID: task.record.taskID, token: task.leaseToken)
                _ = try await client.submitter.finish(lease, .completed())
                let id = task.record.taskID.text
                ledger.state.withLock { state in
                    if state.finished.updateValue(.now, forKey: id) != nil { state.finishedTwice.append(id) }
                }
            }
        }
    }

    /// Every task that was accepted is there and can be finished, and what was finished stays so.
    private static func expectNothingLost(
        _ ledger: Ledger, _ scheduler: SchedulerProcess, _ master: TestRedis
    ) async throws {
        let client = scheduler.client()
        let query = """
            local ids = {}
            for _, id in ipairs(redis.call('SMEMBERS', 'dms:task:index')) do
                local record = redis.call('GET', 'dms:task:' .. id)
                if record and string.find(record, '"status":"completed"', 1, true) then ids[#ids + 1] = id end
            end
            return ids
            """
        var missing: Set<String> = []
        try await eventually {
            await fetch(client, ledger, 50)
            let completed = try await master.call("EVAL", query, "0").array?.compactMap(\.string) ?? []
            missing = ledger.submitted.union(ledger.finished).subtracting(completed)
            return missing.isEmpty
        }
        await client.close()
        let twice = ledger.state.withLock(\.finishedTwice)
        #expect(twice.isEmpty, "\(twice.count) were finished, and handed out again")
    }
}
