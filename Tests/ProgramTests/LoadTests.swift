import DMSClient
import DMSModel
import NIOCore
import RedisLink
import TestSupport
import Testing

@Suite(.serialized) struct LoadTests {
    private static let tasks = 20_000

    @Test func `8 submitting and 8 fetching clients over both doors get 20,000 tasks exactly once`() async throws {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let scheduler = try await SchedulerProcess.start(
                    ["--redis-writer-url", "\(redis.url)"], folder: folder)
                let fetched = try await withThrowingTaskGroup(of: [String].self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            try await LoadTests.submit(number, to: scheduler)
                            return []
                        }
                        group.addTask { try await LoadTests.fetch(number, from: scheduler, until: redis) }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(fetched.count == LoadTests.tasks)
                #expect(Set(fetched).count == LoadTests.tasks)
                let client = scheduler.client()
                let statistics = try await client.tasks.stats()
                #expect(statistics.queued == UInt64(LoadTests.tasks))
                #expect(statistics.dispatched == UInt64(LoadTests.tasks))
                #expect(statistics.overview.total == 0)
                await client.close()
                for pattern in ["dms:queue:*", "dms:positions:*"] {
                    let keys = try await redis.call("KEYS", pattern)
                    #expect(keys == .array([]))
                }
                let known = try await redis.call("SCARD", "dms:task:index")
                #expect(known == .integer(LoadTests.tasks))
                let code = try await scheduler.terminate()
                #expect(code == 0)
            }
        }
    }

    /// A client's share of the submissions: even ones over REST, odd ones over the binary door.
    private static func submit(_ number: Int, to scheduler: SchedulerProcess) async throws {
        let ids = (0..<tasks / 8).map { "client-\(number)-task-\($0)" }
        if number.isMultiple(of: 2) {
            let connection = try await scheduler.connect()
            for id in ids {
                let body = #"{"task_id":"\#(id)","service":"copy","user_id":"ada","parameters":{"id":"\#(id)"}}"#
                let answer = try await connection.call("POST", "/tasks", body: ByteBuffer(string: body))
                try #require(answer.status == 201)
            }
            try await connection.close()
        } else {
            let client = scheduler.client()
            for (index, id) in ids.enumerated() {
                _ = try await client.tasks.enqueue(
                    TaskSubmission(
                        taskID: TaskID(id), service: "copy", userID: "ada",
                        parameters: ByteBuffer(string: #"{"id":"\#(id)"}"#), priority: Priority.allCases[index % 3]))
            }
            await client.close()
        }
    }

    /// Fetches until everything was handed out to somebody; the ids it got.
    private static func fetch(
        _ number: Int, from scheduler: SchedulerProcess, until redis: TestRedis
    ) async throws -> [String] {
        var ids: [String] = []
        func isOver() async throws -> Bool {
            try await Task.sleep(for: .milliseconds(2))
            return try await redis.call("HGET", "dms:stats", "dispatched").string == String(tasks)
        }
        if number.isMultiple(of: 2) {
            let connection = try await scheduler.connect()
            while true {
                let answer = try await connection.call("POST", "/submitter/next")
                if answer.status == 200, let record = TaskRecord(json: answer.body) {
                    ids.append(record.taskID.text)
                } else {
                    try #require(answer.status == 204)
                    if try await isOver() { break }
                }
            }
            try await connection.close()
        } else {
            let client = scheduler.client()
            while true {
                let answer = try await client.submitter.next(NextRequest(maxTasks: UInt32(number)))
                for task in answer.tasks {
                    try #require(String(buffer: task.parameters) == #"{"id":"\#(task.taskID)"}"#)
                    ids.append(task.taskID.text)
                }
                if answer.tasks.isEmpty, try await isOver() { break }
            }
            await client.close()
        }
        return ids
    }
}
