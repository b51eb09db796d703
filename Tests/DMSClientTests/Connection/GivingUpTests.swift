import DMSModel
import DMSWire
import NIOCore
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
