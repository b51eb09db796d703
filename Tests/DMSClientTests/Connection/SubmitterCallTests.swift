import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// What submitters' calls ask for, and that a lost answer costs nothing.
@Suite(.timeLimit(.minutes(1))) struct SubmitterCallTests {
    private static let lease = LeaseReference(taskID: TaskID("task-1"), token: "proof")

    @Test func `the typed calls ask for their methods and read their answers`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let outcomes = [LeaseOutcome(taskID: TaskID("task-1"), leaseExpiresAt: Sample.moment)]

            async let acked = client.submitter.ack([Self.lease])
            let ack = try await calls.received()
            #expect(ack.envelope.method == "Ack")
            #expect(try ack.message(as: AckRequest.self).leases == [Self.lease])
            try await ack.answer(AckResponse(outcomes: outcomes))
            #expect(try await acked == outcomes)

            async let renewed = client.submitter.renew([Self.lease], for: .milliseconds(1500))
            let renew = try await calls.received()
            #expect(renew.envelope.method == "Renew")
            #expect(
                try renew.message(as: LeaseRenewal.self) == LeaseRenewal(leases: [Self.lease], leaseMilliseconds: 1500))
            try await renew.answer(RenewResponse(outcomes: outcomes))
            #expect(try await renewed == outcomes)

            async let returned = client.submitter.return(Self.lease, reason: "too large")
            let giveBack = try await calls.received()
            #expect(giveBack.envelope.method == "Return")
            #expect(
                try giveBack.message(as: TaskReturn.self) == TaskReturn(lease: Self.lease, reason: "too large"))
            try await giveBack.answer(Sample.record())
            #expect(try await returned == Sample.record())

            async let completed = client.submitter.finish(Self.lease, .completed(result: ByteBuffer(string: "[1]")))
            let good = try await calls.received()
            #expect(good.envelope.method == "Finish")
            #expect(
                try good.message(as: TaskFinish.self)
                    == TaskFinish(lease: Self.lease, succeeded: true, result: ByteBuffer(string: "[1]")))
            try await good.answer(Sample.record())
            _ = try await completed

            let part = ByteBuffer(string: "[1]")
            async let failed = client.submitter.finish(Self.lease, .failed(error: "no space", result: part))
            let bad = try await calls.received()
            #expect(
                try bad.message(as: TaskFinish.self)
                    == TaskFinish(lease: Self.lease, succeeded: false, result: part, error: "no space"))
            var record = Sample.record()
            (record.status, record.error, record.result) = (.failed, "no space", part)
            try await bad.answer(record)
            #expect(try await failed == record)
        }
    }

    @Test func `a Next whose answer was lost is sent again, word for word`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let answer = client.submitter.next(NextRequest(maxTasks: 3))
            let first = try await calls.received()
            try await first.closeConnection()
            let second = try await calls.received()
            #expect(second.connection == 2)
            let request = try second.message(as: NextRequest.self)
            #expect(try first.message(as: NextRequest.self) == request)
            #expect(request.requestID.utf8.count == 32)
            #expect(request.submitterID == client.submitterID)
            let tasks = NextAnswer(tasks: [Sample.record("a")])
            try await second.answer(tasks)
            #expect(try await answer == tasks)
        }
    }

    @Test func `every Next has a request id of its own, and none where that is not wanted`() async throws {
        try await withServer(options: ClientOptions(submitterID: "node-1")) { server, client in
            var calls = server.makeCallIterator()
            var ids: Set<String> = []
            for isReplayable in [true, true, false] {
                async let answer = client.submitter.next(isReplayable: isReplayable)
                let call = try await calls.received()
                let request = try call.message(as: NextRequest.self)
                #expect(request.submitterID == "node-1")
                ids.insert(request.requestID)
                try await call.answer(NextAnswer(tasks: []))
                _ = try await answer
            }
            #expect(ids.count == 3)
            #expect(ids.contains(""))
        }
    }

    @Test func `a Next without a request id is not sent twice`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let answer = outcome { try await client.submitter.next(isReplayable: false) }
            try await calls.received().closeConnection()
            #expect(await answer.error == .outcomeUnknown(cause: "the server closed it"))
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `Ack, Renew, Return and Finish are sent again when their answer was lost`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            let methods: [(String, @Sendable () async throws -> Void)] = [
                ("Ack", { _ = try await client.submitter.ack([Self.lease]) }),
                ("Renew", { _ = try await client.submitter.renew([Self.lease]) }),
                ("Return", { _ = try await client.submitter.return(Self.lease) }),
                ("Finish", { _ = try await client.submitter.finish(Self.lease, .completed()) }),
            ]
            for (method, perform) in methods {
                async let done = outcome { try await perform() }
                let first = try await calls.received()
                #expect(first.envelope.method == method)
                try await first.closeConnection()
                let second = try await calls.received()
                #expect(second.envelope.payload == first.envelope.payload)
                try await second.closeConnection()
                // Sent twice, answered never: it may have been done.
                #expect(await done.error == .outcomeUnknown(cause: "the server closed it"))
            }
        }
    }

    @Test func `a call that may have arrived and finds no server again has an unknown outcome`() async throws {
        let server = try await ScriptedServer.start()
        let client = DMSClient(address: server.address, options: ClientOptions(connectTimeout: .milliseconds(300)))
        var calls = server.makeCallIterator()
        async let done = outcome { try await client.submitter.finish(Self.lease, .completed()) }
        _ = try await calls.received()
        await server.stop()
        #expect(await done.error?.isOutcomeUnknown == true)
        await client.close()
    }
}
