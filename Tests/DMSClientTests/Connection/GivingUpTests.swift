import DMSModel
import DMSWire
import NIOCore
import Synchronization
import Testing

@testable import DMSClient

/// Calls that end before their answer.
@Suite(.timeLimit(.minutes(1))) struct GivingUpTests {
    /// Long enough to be sent even by a busy machine, short enough to wait for.
    private let brief = CallOptions(deadline: .milliseconds(500))

    @Test func `a call that is not answered ends a little after its deadline`() async throws {
        try await withServer { _, client in
            let start = ContinuousClock.now
            let read = await outcome { try await client.tasks.overview(options: brief) }
            #expect(read.error == .deadlineExceeded(outcomeUnknown: false))
            #expect(ContinuousClock.now - start >= .milliseconds(750))
            let write = await outcome { try await client.tasks.enqueue(Sample.submission(), options: brief) }
            #expect(write.error == .deadlineExceeded(outcomeUnknown: true))
        }
    }

    @Test func `an answer that comes too late is dropped, and the connection lives on`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            _ = await outcome { try await client.tasks.overview(options: brief) }
            let late = try await calls.received()
            async let overview = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 1)
            try await late.answer(QueueOverview(high: 9, mid: 9, low: 9))
            try await next.answer(Sample.overview)
            #expect(try await overview == Sample.overview)
        }
    }

    @Test func `tasks that come when nobody waits for them any more are given back, the last one first`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let next = outcome { try await client.submitter.next(options: brief) }
            let late = try await calls.received()
            #expect(await next.error == .deadlineExceeded(outcomeUnknown: true))
            let tasks = ["a", "b", "c"].map { LeasedTask(Sample.record($0), leaseToken: $0 == "c" ? "" : "k-\($0)") }
            try await late.answer(NextAnswer(leasedTasks: tasks))
            for id in ["b", "a"] {
                let giveBack = try await calls.received()
                let lease = LeaseReference(taskID: TaskID(id), token: "k-\(id)")
                #expect(
                    try giveBack.message(as: TaskReturn.self) == TaskReturn(lease: lease, reason: "it came too late"))
                try await giveBack.answer(Sample.record(id))
            }
        }
    }

    @Test func `a source asks again for what it lost with an asker that was canceled`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let source = client.submitter.tasks(lease: .seconds(30)).makeSource()
            let first = Task { try await source.next() }
            let lost = try await calls.received()
            first.cancel()
            try await eventually { server.extensionFrames.first { $0.header.type == .cancel } }
            try await lost.closeConnection()
            let nothing = try await first.value
            #expect(nothing == nil)
            let second = Task { try await source.next()?.record.taskID }
            let again = try await calls.received()
            #expect(try again.message(as: NextRequest.self) == lost.message(as: NextRequest.self))
            try await again.answer(NextAnswer(tasks: []))
            let new = try await calls.received()
            #expect(try new.message(as: NextRequest.self).requestID != lost.message(as: NextRequest.self).requestID)
            try await new.answer(NextAnswer(leasedTasks: [LeasedTask(Sample.record("a"), leaseToken: "k")]))
            #expect(try await second.value == TaskID("a"))
        }
    }

    @Test func `a deadline that the server sees pass is the same error`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let late = RPCError(SchedulerError(.deadlineExceeded, "too late"))
            async let write = outcome { try await client.submitter.next() }
            try await calls.received().refuse(late)
            #expect(await write.error == .deadlineExceeded(outcomeUnknown: true))
            async let read = outcome { try await client.tasks.overview() }
            try await calls.received().refuse(late)
            #expect(await read.error == .deadlineExceeded(outcomeUnknown: false))
        }
    }

    @Test func `a deadline that passed before the call is not sent`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let first = client.tasks.overview()
            try await calls.received().answer(Sample.overview)
            _ = try await first
            let late = await outcome {
                try await client.tasks.enqueue(Sample.submission(), options: CallOptions(deadline: .zero))
            }
            #expect(late.error == .deadlineExceeded(outcomeUnknown: false))
            async let second = client.tasks.overview()
            let call = try await calls.received()
            #expect(call.envelope.method == "Overview")
            try await call.answer(Sample.overview)
            _ = try await second
        }
    }

    @Test func `canceling the task gives its call up, and no other`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let kept = client.tasks.overview()
            let first = try await calls.received()
            let task = Task { await outcome { try await client.tasks.enqueue(Sample.submission()) } }
            let second = try await calls.received()
            task.cancel()
            #expect(await task.value.error == .cancelled(outcomeUnknown: true))
            try await second.answer(Sample.record())
            try await first.answer(Sample.overview)
            #expect(try await kept == Sample.overview)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a task that was canceled before makes no call`() async throws {
        try await withServer { server, client in
            let task = Task {
                try? await Task.sleep(for: .seconds(60))
                return await outcome { try await client.tasks.overview() }
            }
            task.cancel()
            #expect(await task.value.error == .cancelled(outcomeUnknown: false))
        }
    }

    @Test func `a task that is canceled while it begins its call does not wait for the answer`() async throws {
        // The calls wait for a server that does not come: only their cancellation ends them before their patience does.
        let client = DMSClient(
            address: ScriptedServer.unusedAddress(), options: ClientOptions(connectTimeout: .seconds(5)))
        for round in 0..<30_000 {
            let begun = Beginning()
            let ending = await withTaskGroup(of: DMSClientError?.self) { group in
                group.addTask {
                    begun.isOver.store(true, ordering: .releasing)
                    return await outcome { try await client.tasks.overview() }.error
                }
                var looks = 0
                while !begun.isOver.load(ordering: .acquiring) {
                    looks += 1
                    // Another thread begins it, unless there is none.
                    if looks > 10_000 { await Task.yield() }
                }
                // Another moment of the call's beginning each time.
                for _ in 0..<round % 1000 { _ = begun.isOver.load(ordering: .acquiring) }
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(ending == .cancelled(outcomeUnknown: false), "round \(round)")
            if ending != .cancelled(outcomeUnknown: false) { break }
        }
        await client.close()
    }

    @Test func `a server that leaves too many calls unanswered is left`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let count = ServerConnection.abandonedCallsMax + 1
            try await withThrowingTaskGroup(of: DMSClientError?.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        await outcome { try await client.tasks.overview() }.error
                    }
                }
                for _ in 0..<count { #expect(try await calls.received().connection == 1) }
                group.cancelAll()
                for try await error in group { #expect(error == .cancelled(outcomeUnknown: false)) }
            }
            async let overview = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 2)
            try await next.answer(Sample.overview)
            _ = try await overview
        }
    }
}

/// Whether a task has begun to run.
private final class Beginning: Sendable {
    let isOver = Atomic<Bool>(false)
}
