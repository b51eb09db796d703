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

    @Test func `addresses are read with commas between them`() throws {
        #expect(
            try ServerAddress.list("a:1, [::1]:2,unix:///s")
                == [.tcp(host: "a", port: 1), .tcp(host: "::1", port: 2), .unix(path: "/s")])
        for text in ["", "a,", ",a", "a:0,b"] {
            #expect(throws: ServerAddressError.self) { try ServerAddress.list(text) }
        }
    }
}
