import DMSClient
import DMSModel
import Glibc
import NIOCore
import TestSupport
import Testing

/// Held tasks on a real scheduler: leases, their renewal and their loss.
@Suite(.serialized) struct HeldTaskTests {
    private func withScheduler(
        _ body: (SchedulerProcess, DMSClient) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let client = scheduler.client()
            do {
                try await body(scheduler, client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }

    @Test func `a lease is renewed for as long as the task is held, and the result is kept`() async throws {
        try await withScheduler { _, client in
            try await client.submit("a")
            for try await task in client.submitter.tasks(lease: .seconds(3)) {
                let end = ContinuousClock.now + .seconds(7)
                try await eventually { ContinuousClock.now >= end }
                #expect(task.ending == nil)
                let record = try await task.finish(result: ByteBuffer(string: #"{"n":1e400}"#))
                #expect(record.status == .completed)
                #expect(record.attempt == 1)
                #expect(task.ending == .reported)
                // The same report again is the same answer.
                let again = try await task.finish(result: ByteBuffer(string: #"{"n":1e400}"#))
                #expect(again == record)
                break
            }
            let kept = try await client.tasks.get(TaskID("a")).record
            #expect(kept.result == ByteBuffer(string: #"{"n":1e400}"#))
        }
    }

    @Test func `who holds a task that is canceled is told, and its work is canceled`() async throws {
        try await withScheduler { _, client in
            try await client.submit("a")
            let source = client.submitter.tasks(lease: .seconds(1)).makeSource()
            let task = try #require(try await source.next())
            _ = try await client.tasks.cancel(
                TaskCancellation(taskID: TaskID("a"), service: "copy", userID: "ada"))
            let wasCanceled = try await task.whileHeld {
                try? await Task.sleep(for: .seconds(60))
                return Task.isCancelled
            }
            #expect(wasCanceled)
            #expect(task.ending == .canceled)
            await #expect(throws: DMSClientError.self) { try await task.finish() }
        }
    }

    @Test func `a lease that could not be renewed is lost, and the task goes to somebody else`() async throws {
        try await withScheduler { scheduler, client in
            try await client.submit("a")
            let source = client.submitter.tasks(lease: .seconds(1)).makeSource()
            let task = try #require(try await source.next())
            scheduler.program.signal(SIGSTOP)
            #expect(await task.ended() == .lost)
            scheduler.program.signal(SIGCONT)
            let second = try #require(try await source.next())
            #expect(second.record.taskID == TaskID("a"))
            #expect(second.record.attempt == 2)
            let error = await #expect(throws: DMSClientError.self) { try await task.finish() }
            #expect(error.map { "\($0)".contains("LEASE_LOST") } == true)
            try await second.finish()
        }
    }

    @Test func `a task that is dropped without a report goes to somebody else when its lease has ended`() async throws {
        try await withScheduler { _, client in
            try await client.submit("a")
            let source = client.submitter.tasks(lease: .seconds(1)).makeSource()
            _ = try #require(try await source.next()).record
            let again = try #require(try await source.next())
            #expect(again.record.attempt == 2)
            try await again.fail(error: "no space left")
            let record = try await client.tasks.get(TaskID("a")).record
            #expect(record.status == .failed)
            #expect(record.error == "no space left")
        }
    }

    @Test func `returned tasks come again, at once and first`() async throws {
        try await withScheduler { _, client in
            for id in ["a", "b"] { try await client.submit(id) }
            let source = client.submitter.tasks(lease: .seconds(60)).makeSource()
            let first = try #require(try await source.next())
            try await first.return(reason: "not now")
            let again = try #require(try await source.next())
            #expect(again.record.taskID == TaskID("a"))
            #expect(again.record.attempt == 2)
        }
    }

    @Test func `when the iterating task is canceled, what was fetched and not begun is queued again`() async throws {
        try await withScheduler { _, client in
            for id in ["a", "b", "c"] { try await client.submit(id) }
            let begun = Latch()
            let work = Task {
                var ids: [String] = []
                for try await task in client.submitter.tasks(lease: .seconds(60), batch: 3) {
                    ids.append(task.record.taskID.text)
                    begun.open()
                    try? await Task.sleep(for: .seconds(60))
                    try await task.finish()
                }
                return ids
            }
            await begun.wait()
            work.cancel()
            let ids = try await work.value
            #expect(ids == ["a"])
            let overview = try await client.tasks.overview()
            #expect(overview.total == 2)
            let finished = try await client.tasks.get(TaskID("a")).record
            #expect(finished.status == .completed)
            let next = try await client.submitter.next(NextRequest(maxTasks: 3))
            #expect(next.tasks.map(\.taskID.text) == ["b", "c"])
        }
    }

    @Test func `an iteration that waits ends at once when its task is canceled, and takes nothing afterwards`()
        async throws
    {
        try await withScheduler { _, client in
            let work = Task {
                for try await task in client.submitter.tasks(lease: .seconds(60)) { return task.record.taskID.text }
                return "none"
            }
            try await eventually { try await client.tasks.stats().waitingSubmitters == 1 }
            work.cancel()
            let got = try await work.value
            #expect(got == "none")
            try await client.submit("a")
            let overview = try await client.tasks.overview()
            #expect(overview.total == 1)
        }
    }

    @Test func `an acknowledgement goes along with the next call, and the task stays its holder's`() async throws {
        try await withScheduler { _, client in
            for id in ["a", "b"] { try await client.submit(id) }
            let source = client.submitter.tasks(lease: .seconds(60)).makeSource()
            let first = try #require(try await source.next())
            first.ackWithNext()
            let before = try await client.tasks.stats()
            #expect(before.leased == 1)
            let second = try #require(try await source.next())
            // One lease ended, another one began.
            let after = try await client.tasks.stats()
            #expect(after.leased == 1)
            try await second.ack()
            let none = try await client.tasks.stats()
            #expect(none.leased == 0)
            try await first.finish()
            try await second.finish()
            let done = try await client.tasks.stats()
            #expect(done.completed == 2)
        }
    }

    @Test func `work goes on at another server when the first one dies`() async throws {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let servers = [
                    try await SchedulerProcess.start(["--redis-writer-url", "\(redis.url)"], folder: folder),
                    try await SchedulerProcess.start(["--redis-writer-url", "\(redis.url)"], folder: folder),
                ]
                let client = DMSClient(
                    addresses: servers.map { .tcp(host: "127.0.0.1", port: $0.rpcPort) })
                let source = client.submitter.tasks(lease: .seconds(60)).makeSource()
                try await client.submit("a")
                let held = try #require(try await source.next())
                async let next = source.next()
                try await eventually { try await client.tasks.stats().waitingSubmitters == 1 }
                try await servers[0].crash()
                try await held.finish()
                try await client.submit("b")
                let other = try #require(try await next)
                #expect(other.record.taskID == TaskID("b"))
                #expect(other.record.attempt == 1)
                try await other.finish()
                let statistics = try await client.tasks.stats()
                #expect(statistics.completed == 2)
                #expect(statistics.dispatched == 2)
                await client.close()
                _ = try await servers[1].terminate()
            }
        }
    }
}

extension DMSClient {
    fileprivate func submit(_ id: String) async throws {
        _ = try await tasks.enqueue(
            TaskSubmission(taskID: TaskID(id), service: "copy", userID: "ada", parameters: ByteBuffer(string: "{}")))
    }
}

/// Something that happens once.
private final class Latch: Sendable {
    private let stream: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.finish() }

    func wait() async { for await _ in stream {} }
}
