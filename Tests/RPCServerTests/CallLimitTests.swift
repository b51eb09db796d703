import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct CallLimitTests {
    private let resume = Methods.Admin.resume

    @Test func `calls past the rate are refused on their connection alone, and taken later`() async throws {
        var limits = ConnectionLimits.patient
        limits.requestsPerSecondMax = 2
        try await TestMethods.serve(limits: limits) { server, methods in
            let client = try await server.client()
            // Pings are counted apart.
            var bytes = Bytes.frame(.ping, on: 0)
            bytes.writeImmutableBuffer(Bytes.frame(.ping, on: 0))
            for streamID: UInt32 in [1, 3, 5] {
                bytes.writeImmutableBuffer(Bytes.request(resume, ResumeRequest(reason: "r"), on: streamID))
            }
            await client.send(bytes)
            #expect(try await client.frame()?.header.type == .pong)
            #expect(try await client.frame()?.header.type == .pong)
            // The refusal may overtake answers.
            var refusals: [RPCError] = []
            for _ in 0..<3 {
                if let error = try await client.answer().envelope.error { refusals.append(error) }
            }
            let error = try #require(refusals.first)
            #expect(refusals.count == 1)
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitRate)
            let wait = try #require(error.retryAfter)
            #expect(wait > .zero && wait <= .milliseconds(500))
            #expect(methods.callCount == 2)

            let other = try await server.client()
            try await expectAlive(other, on: 1)
            var streamID: UInt32 = 5
            try await eventually {
                streamID += 2
                await client.send(Bytes.request(resume, ResumeRequest(), on: streamID))
                return try await client.answer().envelope.error == nil
            }
            await client.close()
            await other.close()
        }
    }

    @Test func `answers of any size are few at a time, also where their calls were given up`() async throws {
        var limits = ConnectionLimits.patient
        limits.bulkStreamsMax = 2
        try await TestMethods.serve(limits: limits) { server, methods in
            let client = try await server.client()
            let get = { (streamID: UInt32, timeout: Int64) in
                Bytes.request(
                    Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t")), on: streamID, timeoutNanoseconds: timeout)
            }
            await client.send(get(1, 0))
            try await expectAlive(client, on: 3)
            // Its time passes, but not that of what was asked for.
            await client.send(get(5, 1_000_000))
            #expect(try await client.error(on: 5).statusCode == .deadlineExceeded)
            await client.send(get(7, 0))
            await client.send(Bytes.request(resume, ResumeRequest(reason: "behind"), on: 9))
            let other = try await server.client()
            try await expectAlive(other, on: 1)
            #expect(methods.waitingGets == 2)
            methods.refuseGet()
            #expect(try await client.error(on: 1).knownReason == .taskNotFound)
            try await eventually { methods.waitingGets == 2 }
            methods.refuseGet()
            #expect(try await client.message(BlockState.self, on: 9).reason == "behind")
            methods.refuseGet()
            #expect(try await client.error(on: 7).knownReason == .taskNotFound)
            await client.close()
            await other.close()
        }
    }

    @Test func `without a limit a thousand calls at once are answered`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            var bytes = ByteBuffer()
            for number in 0..<1000 {
                bytes.writeImmutableBuffer(Bytes.request(resume, ResumeRequest(), on: UInt32(2 * number + 1)))
            }
            await client.send(bytes)
            for _ in 0..<1000 { #expect(try await client.answer().envelope.error == nil) }
            #expect(methods.callCount == 1000)
            await client.close()
        }
    }
}
