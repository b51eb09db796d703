import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// A client of several servers.
@Suite(.timeLimit(.minutes(1))) struct FailoverTests {
    private func withServers(
        _ body: (_ first: ScriptedServer, _ second: ScriptedServer, DMSClient) async throws -> Void
    ) async throws {
        let first = try await ScriptedServer.start()
        let second = try await ScriptedServer.start()
        let client = DMSClient(addresses: [first.address, second.address])
        do {
            try await body(first, second, client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        await first.stop()
        await second.stop()
    }

    private func serveOverview(
        _ calls: inout AsyncStream<ReceivedCall>.Iterator, _ client: DMSClient
    ) async throws {
        async let overview = client.tasks.overview()
        try await calls.received().answer(Sample.overview)
        #expect(try await overview == Sample.overview)
    }

    @Test func `the first server that works is used, and kept`() async throws {
        let missing = ScriptedServer.unusedAddress()
        let server = try await ScriptedServer.start()
        let options = ClientOptions(retriesConnecting: false)
        let client = DMSClient(addresses: [missing, server.address], options: options)
        var calls = server.makeCallIterator()
        for _ in 0..<2 { try await serveOverview(&calls, client) }
        #expect(server.connectionCount == 1)
        await client.close()
        await server.stop()
    }

    @Test func `when no server can be reached the error names them all`() async throws {
        let addresses = [ScriptedServer.unusedAddress(), ScriptedServer.unusedAddress()]
        let client = DMSClient(addresses: addresses, options: ClientOptions(retriesConnecting: false))
        let overview = await outcome { try await client.tasks.overview() }
        #expect(
            overview.error
                == .unreachable(
                    addresses[0], cause: "no such file or directory; \(addresses[1]): no such file or directory"))
        await client.close()
    }

    @Test func `a server that went is followed by the next`() async throws {
        try await withServers { first, second, client in
            var firstCalls = first.makeCallIterator()
            try await serveOverview(&firstCalls, client)
            await first.stop()
            var secondCalls = second.makeCallIterator()
            try await serveOverview(&secondCalls, client)
            #expect(first.connectionCount == 1)
        }
    }

    @Test(arguments: [SchedulerError.Reason.draining, .storeUnavailable])
    func `what a server cannot do now, and has not begun, the next one does`(
        _ reason: SchedulerError.Reason
    ) async throws {
        try await withServers { first, second, client in
            var firstCalls = first.makeCallIterator()
            var secondCalls = second.makeCallIterator()
            async let record = client.tasks.enqueue(Sample.submission())
            try await firstCalls.received().refuse(RPCError(SchedulerError(reason, "not now")))
            let call = try await secondCalls.received()
            #expect(try call.message(as: TaskSubmission.self) == Sample.submission())
            try await call.answer(Sample.record())
            #expect(try await record == Sample.record())
        }
    }

    @Test func `what no server can do now fails with the last one's word`() async throws {
        try await withServers { first, second, client in
            var firstCalls = first.makeCallIterator()
            var secondCalls = second.makeCallIterator()
            let refusal = RPCError(SchedulerError(.storeUnavailable, "no store"))
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await firstCalls.received().refuse(refusal)
            try await secondCalls.received().refuse(refusal)
            try await firstCalls.received().refuse(refusal)
            try await secondCalls.received().refuse(refusal)
            try await firstCalls.received().refuse(refusal)
            #expect(await record.error == .rpc(refusal))
        }
    }

    @Test func `what a server refuses for good is not asked of another`() async throws {
        try await withServers { first, second, client in
            var calls = first.makeCallIterator()
            let refusal = RPCError(SchedulerError(.submissionsBlocked, "until noon"))
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().refuse(refusal)
            #expect(await record.error == .rpc(refusal))
            #expect(second.connectionCount == 0)
        }
    }

    @Test func `a server that goes away is left for the next`() async throws {
        try await withServers { first, second, client in
            var firstCalls = first.makeCallIterator()
            async let record = client.tasks.enqueue(Sample.submission())
            let call = try await firstCalls.received()
            try await call.send(.goaway, RPCStatus(SchedulerError(.draining, "bye")).encoded(), streamID: 0)
            var secondCalls = second.makeCallIterator()
            try await secondCalls.received().answer(Sample.record())
            #expect(try await record == Sample.record())
        }
    }

    @Test(arguments: [false, true])
    func `something else that answers is passed over, also by a call that changes something`(
        _ retriesConnecting: Bool
    ) async throws {
        let stranger = try await ScriptedServer.start(answersPings: false)
        let server = try await ScriptedServer.start()
        let client = DMSClient(
            addresses: [stranger.address, server.address],
            options: ClientOptions(retriesConnecting: retriesConnecting))
        var strangerCalls = stranger.makeCallIterator()
        var calls = server.makeCallIterator()
        async let record = client.tasks.enqueue(Sample.submission())
        try await strangerCalls.received().sendRaw(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"))
        try await calls.received().answer(Sample.record())
        #expect(try await record == Sample.record())
        await client.close()
        await stranger.stop()
        await server.stop()
    }

    @Test func `something else that answers does not cut a call's time to connect`() async throws {
        let stranger = try await ScriptedServer.start(answersPings: false)
        let address = ScriptedServer.unusedAddress()
        let client = DMSClient(
            addresses: [stranger.address, address], options: ClientOptions(connectTimeout: .seconds(30)))
        var strangerCalls = stranger.makeCallIterator()
        async let overview = client.tasks.overview(options: CallOptions(deadline: .seconds(60)))
        for _ in 0..<5 { try await strangerCalls.received().announce(length: .max) }
        let server = try await ScriptedServer.start(at: address)
        async let _: Void = {
            var rest = stranger.makeCallIterator()
            while let call = await rest.next() { try? await call.announce(length: .max) }
        }()
        var calls = server.makeCallIterator()
        try await calls.received().answer(Sample.overview)
        #expect(try await overview == Sample.overview)
        await client.close()
        await server.stop()
        await stranger.stop()
    }

    @Test func `where something else answers everywhere, a call fails after one round, and nothing was done`()
        async throws
    {
        let strangers = [
            try await ScriptedServer.start(answersPings: false), try await ScriptedServer.start(answersPings: false),
        ]
        let client = DMSClient(
            addresses: strangers.map(\.address), options: ClientOptions(retriesConnecting: false))
        async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
        for stranger in strangers {
            var calls = stranger.makeCallIterator()
            try await calls.received().announce(length: .max)
        }
        let cause = "it announced a frame of 4294967295 bytes, where 4194304 are the most"
        #expect(
            await record.error
                == .noScheduler(strangers[0].address, cause: "\(cause); \(strangers[1].address): \(cause)"))
        #expect(await record.error?.isOutcomeUnknown == false)
        #expect(strangers.map(\.connectionCount) == [1, 1])
        await client.close()
        for stranger in strangers { await stranger.stop() }
    }

    @Test func `what a scheduler may have done stays unknown where something else answers later`() async throws {
        let address = ScriptedServer.unusedAddress()
        let server = try await ScriptedServer.start(at: address)
        let client = DMSClient(address: address, options: ClientOptions(retriesConnecting: false))
        async let answer = outcome { try await client.submitter.next() }
        var calls = server.makeCallIterator()
        let call = try await calls.received()
        // The path is another's now; the connection is still there.
        let stranger = try await ScriptedServer.start(at: address, answersPings: false)
        try await call.closeConnection()
        var strangerCalls = stranger.makeCallIterator()
        try await strangerCalls.received().announce(length: .max)
        #expect(await answer.error?.isOutcomeUnknown == true)
        await client.close()
        await server.stop()
        await stranger.stop()
    }

    @Test func `something else that answers does not prolong a call's time to connect`() async throws {
        let stranger = try await ScriptedServer.start(answersPings: false)
        let client = DMSClient(
            address: stranger.address, options: ClientOptions(deadline: nil, connectTimeout: .milliseconds(300)))
        async let overview = outcome { try await client.tasks.overview() }
        async let _: Void = {
            var rest = stranger.makeCallIterator()
            while let call = await rest.next() { try? await call.announce(length: .max) }
        }()
        let error = await overview.error
        var isNoScheduler = false
        if case .noScheduler(stranger.address, _) = error { isNoScheduler = true }
        #expect(isNoScheduler, "\(String(describing: error))")
        await client.close()
        await stranger.stop()
    }

    @Test func `a server that came back is tried, whatever is remembered of it`() async throws {
        let stranger = try await ScriptedServer.start(answersPings: false)
        let address = ScriptedServer.unusedAddress()
        let client = DMSClient(
            addresses: [stranger.address, address], options: ClientOptions(retriesConnecting: false))
        var strangerCalls = stranger.makeCallIterator()
        async let failed = outcome { try await client.tasks.overview() }
        try await strangerCalls.received().announce(length: .max)
        #expect(await failed.error != nil)
        let server = try await ScriptedServer.start(at: address)
        async let overview = client.tasks.overview()
        try await strangerCalls.received().announce(length: .max)
        var calls = server.makeCallIterator()
        try await calls.received().answer(Sample.overview)
        #expect(try await overview == Sample.overview)
        await client.close()
        await server.stop()
        await stranger.stop()
    }

    @Test func `a server that answers is asked again where the other one is away`() async throws {
        let server = try await ScriptedServer.start()
        let client = DMSClient(
            addresses: [server.address, ScriptedServer.unusedAddress()],
            options: ClientOptions(retriesConnecting: false))
        var calls = server.makeCallIterator()
        async let record = client.tasks.enqueue(Sample.submission())
        try await calls.received().refuse(RPCError(SchedulerError(.storeUnavailable, "not now")))
        try await calls.received().answer(Sample.record())
        #expect(try await record == Sample.record())
        await client.close()
        await server.stop()
    }

    @Test func `addresses are read with commas between them`() throws {
        #expect(
            try ServerAddress.list("a:1, [::1]:2,unix:///s")
                == [.tcp(host: "a", port: 1), .tcp(host: "::1", port: 2), .unix(path: "/s")])
        for text in ["", "a,", ",a", "a:0,b"] {
            #expect(throws: ServerAddressError.self) { try ServerAddress.list(text) }
        }
    }
}
