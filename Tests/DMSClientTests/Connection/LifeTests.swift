import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// How connections come and go, from the client's side.
@Suite(.timeLimit(.minutes(1))) struct LifeTests {
    @Test func `without a server a call fails after the time to connect, with a sentence that names the address`()
        async throws
    {
        let address = ScriptedServer.unusedAddress()
        let client = DMSClient(address: address, options: ClientOptions(connectTimeout: .milliseconds(100)))
        let start = ContinuousClock.now
        let overview = await outcome { try await client.tasks.overview() }
        #expect(overview.error == .unreachable(address, cause: "no such file or directory"))
        #expect(
            overview.error?.description == "The scheduler at \(address) cannot be reached: no such file or directory")
        #expect(ContinuousClock.now - start >= .milliseconds(100))
        #expect(overview.error?.isOutcomeUnknown == false)
        await client.close()
    }

    @Test func `a refused port is named with why it is refused`() async throws {
        // Nothing listens there, and no other test is given that port.
        let address = try ServerAddress("127.0.0.1:1")
        let client = DMSClient(address: address, options: ClientOptions(connectTimeout: .milliseconds(100)))
        let overview = await outcome { try await client.tasks.overview() }
        #expect(overview.error == .unreachable(address, cause: "connection refused"))
        await client.close()
    }

    @Test func `a call's deadline counts while it waits for a connection, too`() async throws {
        let client = DMSClient(
            address: ScriptedServer.unusedAddress(), options: ClientOptions(connectTimeout: .seconds(60)))
        let overview = await outcome {
            try await client.tasks.overview(options: CallOptions(deadline: .milliseconds(50)))
        }
        guard case .unreachable = overview.error else {
            Issue.record("\(overview)")
            return
        }
        await client.close()
    }

    @Test func `a client that does not try again fails with the first refusal`() async throws {
        let address = ScriptedServer.unusedAddress()
        let options = ClientOptions(deadline: nil, connectTimeout: .seconds(600), retriesConnecting: false)
        let client = DMSClient(address: address, options: options)
        let overview = await outcome { try await client.tasks.overview() }
        #expect(overview.error == .unreachable(address, cause: "no such file or directory"))
        await client.close()
    }

    @Test func `calls wait for a server that comes later`() async throws {
        let address = ScriptedServer.unusedAddress()
        let client = DMSClient(address: address, options: ClientOptions(connectTimeout: .seconds(30)))
        async let first = client.tasks.overview()
        // Fails once the address has been tried, so that the first call has been refused at least once.
        let probe = DMSClient(address: address, options: ClientOptions(connectTimeout: .milliseconds(50)))
        _ = await outcome { try await probe.tasks.overview() }
        let server = try await ScriptedServer.start(at: address)
        var calls = server.makeCallIterator()
        try await calls.received().answer(Sample.overview)
        #expect(try await first == Sample.overview)
        await probe.close()
        await client.close()
        await server.stop()
    }

    @Test func `when the stream ids run out a new connection follows, and the old one ends with its last answer`()
        async throws
    {
        var options = ClientOptions()
        options.streamIDMax = 3
        try await withServer(options: options) { server, client in
            var calls = server.makeCallIterator()
            async let slow = client.tasks.overview()
            let old = try await calls.received()
            async let second = client.tasks.overview()
            try await calls.received().answer(Sample.overview)
            _ = try await second
            async let third = client.tasks.overview()
            let new = try await calls.received()
            #expect(new.connection == 2)
            #expect(new.streamID == 1)
            try await new.answer(Sample.overview)
            _ = try await third
            #expect(old.channel.isActive)
            try await old.answer(Sample.overview)
            #expect(try await slow == Sample.overview)
            try await old.channel.closeFuture.get()
            #expect(new.channel.isActive)
        }
    }

    @Test func `closing ends the calls in flight, the connection, and all calls after it`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let read = outcome { try await client.tasks.overview() }
            let call = try await calls.received()
            async let write = outcome { try await client.submitter.next() }
            _ = try await calls.received()
            await client.close()
            #expect(await read.error == .closed)
            #expect(await write.error == .outcomeUnknown(cause: "the client was closed"))
            try await call.channel.closeFuture.get()
            let later = await outcome { try await client.tasks.overview() }
            #expect(later.error == .closed)
            await client.close()
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `closing ends calls that wait for a connection`() async throws {
        let client = DMSClient(
            address: ScriptedServer.unusedAddress(),
            options: ClientOptions(deadline: nil, connectTimeout: .seconds(600)))
        async let overview = outcome { try await client.tasks.overview() }
        await client.close()
        #expect(await overview.error == .closed)
    }

    @Test func `a client that is forgotten closes its connection`() async throws {
        let server = try await ScriptedServer.start()
        /// Ends with nobody left who knows the client.
        func useClient() async throws -> ReceivedCall {
            let client = DMSClient(address: server.address)
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            let call = try await calls.received()
            try await call.answer(Sample.overview)
            _ = try await overview
            return call
        }
        try await useClient().channel.closeFuture.get()
        await server.stop()
    }
}
