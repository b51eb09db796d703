import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

/// Connections that the server ends because of what their client did.
@Suite(.timeLimit(.minutes(1))) struct EndingTests {
    /// Frames in one buffer, so that the server reads them at once.
    private func joined(_ frames: [ByteBuffer]) -> ByteBuffer {
        var bytes = ByteBuffer()
        for frame in frames { bytes.writeImmutableBuffer(frame) }
        return bytes
    }

    private func waitingCall(on streamID: UInt32) -> ByteBuffer {
        Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: streamID)
    }

    @Test func `a call in flight is answered though a later frame ends the connection`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            let late = Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 3)
            await client.send(joined([waitingCall(on: 1), Bytes.frame(.request, on: 2), late]))
            #expect(try await client.error(on: 2).knownReason == .malformed)
            try await eventually { methods.waitingCount == 1 }
            methods.answer(TestMethods.state("kept"))
            #expect(try await client.message(BlockState.self, on: 1) == TestMethods.state("kept"))
            #expect(try await client.frame() == nil)
            // What came behind the bad frame was not done.
            #expect(methods.callCount == 1)
            await client.close()
        }
    }

    /// What browsers send to any port on behalf of a page.
    @Test(arguments: ["GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "OPTIONS / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}\u{2}"])
    func `what a web page can send ends the connection, whatever calls are in its body`(start: String) async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            let bytes = ByteBuffer(string: start + "Host: localhost\r\n\r\n")
            await client.send(joined([bytes, Bytes.request(Methods.Admin.resume, ResumeRequest(), on: .max)]))
            #expect(try await client.answer().envelope.error?.knownReason == .limitFrame)
            #expect(try await client.frame() == nil)
            #expect(methods.callCount == 0)
            await client.close()
        }
    }

    @Test func `a client that is sent away gets every answer up to the stream that the goaway names`() async throws {
        var limits = ConnectionLimits.patient
        limits.pingsPerSecondMax = 1
        limits.pingSecondsMax = 1
        try await TestMethods.serve(limits: limits) { server, methods in
            let client = try await server.client()
            let ping = Bytes.frame(.ping, on: 0)
            await client.send(joined([waitingCall(on: 1), waitingCall(on: 3), ping, ping, waitingCall(on: 5)]))
            var last: Frame?
            repeat { last = try await client.frame() } while last?.header.type == .pong
            let goaway = try #require(last)
            #expect(goaway.header.type == .goaway)
            #expect(goaway.header.streamID == 3)
            let error = RPCError(try RPCStatus.decode(goaway.data))
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitRate)
            try await eventually { methods.waitingCount == 2 }
            methods.answer()
            #expect(try await client.answer().streamID == 1)
            #expect(try await client.answer().streamID == 3)
            #expect(try await client.frame() == nil)
            #expect(methods.callCount == 2)
            await client.close()
        }
    }

    @Test func `a call that outlasts the end of its connection is given up`() async throws {
        var limits = ConnectionLimits.patient
        limits.finishing = .milliseconds(20)
        try await TestMethods.serve(limits: limits) { server, _ in
            let client = try await server.client()
            await client.send(joined([waitingCall(on: 1), Bytes.frame(.request, on: 2)]))
            #expect(try await client.error(on: 2).knownReason == .malformed)
            #expect(try await client.error(on: 1).knownReason == .outcomeUnknown)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `a client that does not read cannot keep a connection that ends`() async throws {
        var limits = ConnectionLimits.patient
        limits.flushing = .milliseconds(20)
        try await TestMethods.serve(connectionsMax: 1, limits: limits) { server, methods in
            let client = try await server.client()
            let calls = [1, 3, 5, 7, 9].map { waitingCall(on: $0) }
            await client.send(joined(calls + [Bytes.frame(.request, on: 2)]))
            #expect(try await client.error(on: 2).knownReason == .malformed)
            try await eventually { methods.waitingCount == calls.count }
            try await client.stopReading()
            // More than the sockets hold between them, so that the answers cannot be flushed.
            methods.answer(TestMethods.state(String(repeating: "x", count: 4_000_000)))
            // The server has room for one connection: the next is served once this one is gone.
            try await eventually {
                let next = try await server.client()
                await next.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
                let isServed = try await next.frame() != nil
                await next.close()
                return isServed
            }
            await client.close()
        }
    }

    @Test func `a client's goaway says that it understands extensions`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(joined([Bytes.frame(.goaway, on: 0), waitingCall(on: 1)]))
            try await eventually { methods.waitingCount == 1 }
            await server.shutDown()
            let goaway = try #require(try await client.frame())
            #expect(goaway.header.type == .goaway)
            #expect(goaway.header.streamID == 1)
            methods.answer()
            #expect(try await client.answer().streamID == 1)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }
}

/// Errors about what a client sent, when that was large.
@Suite(.timeLimit(.minutes(1))) struct LargeErrorTests {
    @Test func `a service's name that fills the frame is quoted in part`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            func envelope(_ count: Int) -> RequestEnvelope {
                RequestEnvelope(
                    service: String(repeating: "s", count: count), method: "m", payload: ByteBuffer())
            }
            let around = envelope(4_000_000).encoded().readableBytes - 4_000_000
            let bytes = Bytes.request(envelope(FrameLimits.dataBytesMax - around), on: 1)
            try #require(bytes.readableBytes == FrameHeader.byteCount + FrameLimits.dataBytesMax)
            await client.send(bytes)
            let error = try await client.error(on: 1)
            #expect(error.knownReason == .methodUnknown)
            #expect(error.message.utf8.count < 2 * QuotedText.bytesMax)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test func `an error too large for a frame keeps its code and its reason`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            methods.refuseFirst(
                SchedulerError(.taskNotFound, String(repeating: "x", count: FrameLimits.dataBytesMax)))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .notFound)
            #expect(error.knownReason == .taskNotFound)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }
}
