import DMSClient
import DMSModel
import DMSWire
import Foundation
import NIOCore
import RedisLink
import TestSupport
import Testing

/// Leased tasks while workers and schedulers are killed at random.
///
/// `DMS_CHAOS_TASKS` is how many tasks, `DMS_CHAOS_SEED` which kills; a run by hand takes 100 000.
@Suite(.serialized) struct ChaosTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let tasks = environment["DMS_CHAOS_TASKS"].flatMap { Int($0) } ?? 3000
    private static let seed = environment["DMS_CHAOS_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)

    /// What may be killed, and how it is started again.
    private struct Cast {
        let redis: TestRedis
        let folder: String
        var schedulers: [SchedulerProcess] = []
        var workers: [Program] = []
        var kills = (schedulers: 0, workers: 0)

        var servers: String { schedulers.map { "127.0.0.1:\($0.rpcPort)" }.joined(separator: ",") }

        mutating func start() async throws {
            for _ in 0..<2 { schedulers.append(try await scheduler(port: 0)) }
            for _ in 0..<4 { workers.append(try worker()) }
        }

        mutating func kill(_ generator: inout SplitMix) async throws {
            if generator.next() % 10 < 3 {
                let index = Int(generator.next() % 2)
                try await schedulers[index].crash()
                schedulers[index] = try await scheduler(port: schedulers[index].rpcPort)
                kills.schedulers += 1
            } else {
                let index = Int(generator.next() % 4)
                workers[index].signal(SIGKILL)
                _ = try await workers[index].exitCode()
                workers[index] = try worker()
                kills.workers += 1
            }
        }

        private func scheduler(port: Int) async throws -> SchedulerProcess {
            try await SchedulerProcess.start(
                ["--redis-writer-url", "\(redis.url)"], rpcPort: port, folder: folder)
        }

        private func worker() throws -> Program {
            try Program(
                "dms-bench", ["work", "--server", servers, "--lease-ms", "1000", "--batch", "20"], folder: folder)
        }
    }

    @Test func `every leased task is finished once, whoever is killed, and none is lost`() async throws {
        print("chaos: \(ChaosTests.tasks) tasks, seed \(ChaosTests.seed)")
        try await TestRedis.with { redis in
            try await withFolder { folder in
                var cast = Cast(redis: redis, folder: folder)
                try await cast.start()
                let client = DMSClient(
                    addresses: try ServerAddress.list(cast.servers),
                    options: ClientOptions(deadline: .seconds(60), retriesConnecting: true))
                async let submitted: Void = ChaosTests.submitAll(client)
                var generator = SplitMix(state: ChaosTests.seed)
                while try await ChaosTests.counter("completed", redis) < ChaosTests.tasks {
                    try await Task.sleep(for: .milliseconds(Int(generator.next() % 300)))
                    try await cast.kill(&generator)
                }
                try await submitted
                try await ChaosTests.expectAllFinishedOnce(redis)
                let requeued = try await ChaosTests.counter("requeued", redis)
                print(
                    "chaos: \(cast.kills.schedulers) schedulers and \(cast.kills.workers) workers killed, \(requeued) leases ended"
                )
                await client.close()
                for worker in cast.workers {
                    worker.signal(SIGKILL)
                    _ = try await worker.exitCode()
                }
                for scheduler in cast.schedulers {
                    let code = try await scheduler.terminate()
                    #expect(code == 0)
                }
            }
        }
    }

    /// Submits every task until the scheduler says that it has it.
    private static func submitAll(_ client: DMSClient) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask {
                    for number in stride(from: sender, to: tasks, by: 8) { try await submit(number, client) }
                }
            }
            while try await group.next() != nil {}
        }
    }

    private static func submit(_ number: Int, _ client: DMSClient) async throws {
        let submission = TaskSubmission(
            taskID: TaskID("t\(number)"), service: "copy", userID: "ada", parameters: ByteBuffer(string: "{}"))
        try await eventually {
            do {
                _ = try await client.tasks.enqueue(submission)
                return true
            } catch DMSClientError.rpc(let error) where error.knownReason == .taskExists {
                // The answer to an earlier attempt was lost.
                return true
            } catch is DMSClientError {
                return false
            }
        }
    }

    private static func counter(_ name: String, _ redis: TestRedis) async throws -> Int {
        try await redis.call("HGET", "dms:stats", name).string.flatMap { Int($0) } ?? 0
    }

    private static func expectAllFinishedOnce(_ redis: TestRedis) async throws {
        let count = """
            local completed, attempts = 0, 0
            for _, id in ipairs(redis.call('SMEMBERS', 'dms:task:index')) do
                local record = redis.call('GET', 'dms:task:' .. id)
                if string.find(record, '"status":"completed"', 1, true) then completed = completed + 1 end
                attempts = attempts + tonumber(string.match(record, '"attempt":(%d+)'))
            end
            return {completed, attempts}
            """
        let answer = try await redis.call("EVAL", count, "0")
        let counts = answer.array?.compactMap(\.integer) ?? []
        try #require(counts.count == 2)
        let (completed, attempts) = (counts[0], counts[1])
        #expect(completed == tasks)
        let counted = try await counter("completed", redis)
        #expect(counted == tasks)
        // Handed out once more for each lease that ended, and for nothing else.
        let requeued = try await counter("requeued", redis)
        #expect(attempts - tasks == requeued)
        let dispatched = try await counter("dispatched", redis)
        #expect(dispatched == attempts)
        let leases = try await redis.call("ZCARD", "dms:leases")
        #expect(leases == .integer(0))
        for key in ["dms:queue:low", "dms:positions:low"] {
            let left = try await redis.call("EXISTS", key)
            #expect(left == .integer(0))
        }
    }
}
