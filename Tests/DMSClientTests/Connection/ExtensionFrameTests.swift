import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// Pings, cancels and goaways: what our frames have that plain ttrpc lacks.
@Suite(.timeLimit(.minutes(1))) struct ExtensionFrameTests {
    private func bytes(of frame: Frame) -> [UInt8] {
        var buffer = ByteBuffer()
        FrameEncoder.write(
            frame.header.type, streamID: frame.header.streamID, flags: frame.header.flags, data: frame.data,
            into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test func `a connection begins with a ping`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            let call = try await calls.received()
            // The ping stood before the call.
            let frames = server.extensionFrames
            try #require(frames.count == 1)
            #expect(bytes(of: frames[0]) == [0, 0, 0, 8, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 1])
            try await call.answer(Sample.overview)
            _ = try await overview
        }
    }

    @Test func `a quiet server is pinged, and one that does not say anything is left`() async throws {
        var options = ClientOptions(deadline: nil)
        options.pingInterval = .milliseconds(20)
        options.pingTimeout = .milliseconds(500)
        let server = try await ScriptedServer.start(answersPings: false)
        let client = DMSClient(address: server.address, options: options)
        var calls = server.makeCallIterator()
        async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
        let call = try await calls.received()
        #expect(await record.error == .outcomeUnknown(cause: "it has said nothing for too long"))
        try await call.channel.closeFuture.get()
        await client.close()
        await server.stop()
    }

    @Test func `a quiet server that answers pings keeps its calls`() async throws {
        var options = ClientOptions(deadline: nil)
        options.pingInterval = .milliseconds(5)
        options.pingTimeout = .seconds(30)
        try await withServer(options: options) { server, client in
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            let call = try await calls.received()
            try await eventually { server.extensionFrames.count >= 4 ? true : nil }
            let numbers = server.extensionFrames.prefix(4).map { $0.data.getInteger(at: 0, as: UInt64.self) }
            #expect(numbers == [1, 2, 3, 4])
            try await call.answer(Sample.overview)
            #expect(try await overview == Sample.overview)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `a call that its task gives up is canceled at the server`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let kept = client.tasks.overview()
            let first = try await calls.received()
            let task = Task { await outcome { try await client.tasks.enqueue(Sample.submission()) } }
            _ = try await calls.received()
            task.cancel()
            #expect(await task.value.error == .cancelled(outcomeUnknown: true))
            let frame = try await eventually { server.extensionFrames.dropFirst().first }
            #expect(bytes(of: frame) == [0, 0, 0, 0, 0, 0, 0, 3, 0x12, 0])
            try await first.answer(Sample.overview)
            _ = try await kept
        }
    }

    @Test func `a Next that is given up ends with the server's word that it took nothing`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let task = Task { await outcome { try await client.submitter.next() } }
            let call = try await calls.received()
            task.cancel()
            try await eventually { server.extensionFrames.contains { $0.header.type == .cancel } ? true : nil }
            try await call.refuse(RPCError(SchedulerError(.cancelled, "given up")))
            #expect(await task.value.error == .cancelled(outcomeUnknown: false))
        }
    }

    @Test func `tasks that were on their way to a Next that is given up are not lost`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let task = Task { await outcome { try await client.submitter.next() } }
            let call = try await calls.received()
            task.cancel()
            try await eventually { server.extensionFrames.contains { $0.header.type == .cancel } ? true : nil }
            try await call.answer(NextAnswer(tasks: [Sample.record("a")]))
            #expect(try await task.value.get().tasks.map(\.taskID.text) == ["a"])
        }
    }

    @Test func `a Next that is given up does not wait for a silent server`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let task = Task { await outcome { try await client.submitter.next() } }
            _ = try await calls.received()
            task.cancel()
            #expect(await task.value.error == .cancelled(outcomeUnknown: true))
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `after a goaway the old connection answers what it took, and all else goes to a new one`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let first = client.tasks.overview()
            let old = try await calls.received()
            async let second = client.tasks.enqueue(Sample.submission())
            let untouched = try await calls.received()
            let reason = RPCStatus(SchedulerError(.draining, "bye"))
            try await untouched.send(.goaway, reason.encoded(), streamID: 1)
            // It changes something and was sent; yet the server said that it was not looked at.
            let repeated = try await calls.received()
            #expect(repeated.connection == 2)
            #expect(repeated.envelope.method == "Enqueue")
            try await repeated.answer(Sample.record())
            #expect(try await second == Sample.record())
            async let third = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 2)
            try await next.answer(Sample.overview)
            _ = try await third
            #expect(old.channel.isActive)
            try await old.answer(Sample.overview)
            #expect(try await first == Sample.overview)
            try await old.channel.closeFuture.get()
        }
    }

    @Test func `an idle connection is closed by a goaway, and calls after it have a new one`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let first = client.tasks.overview()
            let call = try await calls.received()
            try await call.answer(Sample.overview)
            _ = try await first
            try await call.send(.goaway, ByteBuffer(), streamID: 1)
            try await call.channel.closeFuture.get()
            async let second = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 2)
            try await next.answer(Sample.overview)
            _ = try await second
        }
    }
}
