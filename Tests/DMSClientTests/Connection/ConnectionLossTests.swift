import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// What becomes of calls whose connection is lost.
@Suite(.timeLimit(.minutes(1))) struct ConnectionLossTests {
    @Test func `a call that changes something fails with an unknown outcome when it was sent`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().closeConnection()
            let error = await record.error
            #expect(error == .outcomeUnknown(cause: "the server closed it"))
            #expect(error?.isOutcomeUnknown == true)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a call that only reads is repeated on a new connection`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            try await calls.received().closeConnection()
            let second = try await calls.received()
            #expect(second.connection == 2)
            #expect(second.streamID == 1)
            try await second.answer(Sample.overview)
            #expect(try await overview == Sample.overview)
        }
    }

    @Test func `a call is repeated once, not more often`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = outcome { try await client.tasks.overview() }
            try await calls.received().closeConnection()
            try await calls.received().closeConnection()
            #expect(await overview.error == .connectionLost(cause: "the server closed it"))
            #expect(server.connectionCount == 2)
        }
    }

    @Test(arguments: [SchedulerError.Reason.storeUnavailable, .draining, .limitRate])
    func `what was lost stays unknown where the repetition is refused, but of a read`(
        _ reason: SchedulerError.Reason
    ) async throws {
        try await withServer { server, client in
            let refusal = RPCError(SchedulerError(reason, "not now"))
            var calls = server.makeCallIterator()
            async let next = outcome { try await client.submitter.next() }
            try await calls.received().closeConnection()
            try await calls.received().refuse(refusal)
            #expect(await next.error == .outcomeUnknown(cause: "an answer was lost; then: \(refusal)"))
            async let read = outcome { try await client.tasks.overview() }
            try await calls.received().closeConnection()
            try await calls.received().refuse(refusal)
            #expect(await read.error == .rpc(refusal))
        }
    }

    @Test func `what was lost stays unknown where the next server goes`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let next = outcome { try await client.submitter.next() }
            try await calls.received().closeConnection()
            async let _: Void = {
                var rest = server.makeCallIterator()
                while let call = await rest.next() { try? await call.send(.goaway, ByteBuffer(), streamID: 0) }
            }()
            #expect(await next.error?.isOutcomeUnknown == true)
            await server.stop()
        }
    }

    @Test func `what was lost stays unknown where the repetition is given up`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let next = Task { await outcome { try await client.submitter.next() } }
            try await calls.received().closeConnection()
            let again = try await calls.received()
            next.cancel()
            try await again.refuse(RPCError(SchedulerError(.cancelled, "given up")))
            #expect(await next.value.error?.isOutcomeUnknown == true)
        }
    }

    @Test func `an answer that is cut off is none`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            let call = try await calls.received()
            try await call.announce(length: 100)
            try await call.sendRaw(ByteBuffer(repeating: 0, count: 99))
            try await call.closeConnection()
            #expect(await record.error == .outcomeUnknown(cause: "the server closed it within a frame"))
        }
    }

    @Test func `calls in flight are lost together, and each ends as its kind must`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let read = client.tasks.overview()
            _ = try await calls.received()
            async let write = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().closeConnection()
            #expect(await write.error == .outcomeUnknown(cause: "the server closed it"))
            try await calls.received().answer(Sample.overview)
            #expect(try await read == Sample.overview)
        }
    }

    @Test func `a call whose bytes never left is repeated although it changes something`() async throws {
        // The first connection is never read from, and a megabyte does not fit the buffers of a unix socket.
        try await withServer(reads: false) { server, client in
            var calls = server.makeCallIterator()
            let submission = Sample.submission(parameters: String(repeating: " ", count: 1 << 20))
            async let record = client.tasks.enqueue(submission)
            try await server.connection(1).close()
            let call = try await calls.received()
            #expect(call.connection == 2)
            #expect(try call.message(as: TaskSubmission.self) == submission)
            try await call.answer(Sample.record())
            #expect(try await record == Sample.record())
        }
    }

    @Test func `the next call after a loss has a new connection`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let first = client.tasks.overview()
            let call = try await calls.received()
            try await call.answer(Sample.overview)
            _ = try await first
            try await call.closeConnection()
            async let second = client.tasks.overview()
            // Depending on whether the client has heard of the loss, this is its first attempt or its second.
            try await calls.received().answer(Sample.overview)
            #expect(try await second == Sample.overview)
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `a server that hangs up on every call is not stormed`() async throws {
        let server = try await ScriptedServer.start(refusesCalls: true)
        let client = DMSClient(address: server.address)
        let start = ContinuousClock.now
        for _ in 0..<4 {
            let overview = await outcome { try await client.tasks.overview() }
            guard case .connectionLost = overview.error else {
                Issue.record("\(overview)")
                break
            }
        }
        // Eight connections: the pauses between them are at least 10, 20, 40, 80, 160, 320 and 640 milliseconds.
        #expect(server.connectionCount == 8)
        #expect(ContinuousClock.now - start >= .milliseconds(1270))
        await client.close()
        await server.stop()
    }
}
