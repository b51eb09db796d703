import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct FrameRuleTests {
    @Test func `a call is answered on its stream with flags 0`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            let state = try await client.call(Methods.Admin.resume, ResumeRequest(reason: "r"), on: 1)
            #expect(state == TestMethods.state("r"))
            await client.close()
        }
    }

    @Test func `the pong to a first ping comes before the answer to a call behind it`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            var bytes = Bytes.frame(.ping, on: 0)
            bytes.writeImmutableBuffer(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
            await client.send(bytes)
            #expect(try await client.frame()?.header.type == .pong)
            _ = try await client.message(BlockState.self, on: 1)
            await client.close()
        }
    }

    @Test func `a client that says it sends no more is answered`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(
                Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 3, flags: .remoteClosed))
            _ = try await client.message(BlockState.self, on: 3)
            await client.close()
        }
    }

    @Test func `a client that wants to stream is refused on that stream only`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1, flags: .remoteOpen))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .invalidArgument)
            #expect(error.knownReason == .malformed)
            #expect(methods.callCount == 0)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test(arguments: [0, 2, 4_294_967_294] as [UInt32])
    func `a data frame on an id that no stream may have is answered and ends the connection`(id: UInt32) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            try await expectAlive(client, on: 1)
            await client.send(Bytes.frame(.data, on: id))
            let error = try await client.error(on: id)
            #expect(error.statusCode == .invalidArgument)
            #expect(error.knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `a data frame on a new stream uses up its id`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.frame(.data, on: 5))
            #expect(try await client.error(on: 5).knownReason == .malformed)
            // A stream that is done is refused data too.
            await client.send(Bytes.frame(.data, on: 5))
            #expect(try await client.error(on: 5).knownReason == .malformed)
            try await expectAlive(client, on: 7)
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 5))
            #expect(try await client.error(on: 5).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `a data frame is refused on its stream, open or not`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.frame(.data, on: 1))
            #expect(try await client.error(on: 1).statusCode == .invalidArgument)

            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 3))
            try await eventually { methods.waitingCount == 1 }
            await client.send(Bytes.frame(.data, on: 3))
            #expect(try await client.error(on: 3).statusCode == .invalidArgument)
            methods.answer()
            // The call's own answer is not sent any more: the next frame is that of the next call.
            try await expectAlive(client, on: 5)
            await client.close()
        }
    }

    @Test(
        arguments: [
            [0], [2], [4_294_967_294], [1, 1], [5, 3], [1, 4],
        ] as [[UInt32]])
    func `a stream id that breaks the rules is answered and ends the connection`(ids: [UInt32]) async throws {
        try await TestMethods.serve { server, _ in
            let (client, neighbour) = (try await server.client(), try await server.client())
            for id in ids.dropLast() { try await expectAlive(client, on: id) }
            let last = try #require(ids.last)
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: last))
            let error = try await client.error(on: last)
            #expect(error.statusCode == .invalidArgument)
            #expect(error.knownReason == .malformed)
            #expect(try await client.frame() == nil)
            try await expectAlive(neighbour, on: 1)
            await client.close()
            await neighbour.close()
        }
    }

    @Test func `a refused frame uses up its stream id`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 5, flags: .remoteOpen))
            _ = try await client.error(on: 5)
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 5))
            #expect(try await client.error(on: 5).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test(arguments: [FrameLimits.dataBytesMax + 1, FrameLimits.skippedBytesMax])
    func `an oversized frame is answered before its data comes, and skipped`(size: Int) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.header(.request, on: 1, announcing: size))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitFrame)
            #expect(error.retryAfter != nil)
            await client.send(ByteBuffer(repeating: 0x01, count: size))
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test func `a frame of the largest size is taken`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            let method = Methods.Admin.resume
            let around = RequestEnvelope(
                service: method.service, method: method.name,
                payload: ResumeRequest(reason: String(repeating: "x", count: 4_000_000)).encoded()
            ).encoded().readableBytes
            let reason = String(repeating: "x", count: 4_000_000 + FrameLimits.dataBytesMax - around)
            let bytes = Bytes.request(method, ResumeRequest(reason: reason), on: 1)
            try #require(bytes.readableBytes == FrameHeader.byteCount + FrameLimits.dataBytesMax)
            await client.send(bytes)
            #expect(try await client.message(BlockState.self, on: 1).reason?.utf8.count == reason.utf8.count)
            await client.close()
        }
    }

    @Test func `a frame past what is skipped is answered and ends the connection`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.header(.request, on: 7, announcing: FrameLimits.skippedBytesMax + 1))
            client.sendLater(ByteBuffer(repeating: 0x01, count: 1 << 20))
            #expect(try await client.error(on: 7).knownReason == .limitFrame)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `frames of other types are ignored and counted`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            let types: [UInt8] = [0x00, 0x02, 0x04, 0x0f, 0x11, 0x12, 0x13, 0x14, 0xff]
            for type in types {
                await client.send(Bytes.frame(FrameType(rawValue: type), on: 8, ByteBuffer(string: "data")))
            }
            try await expectAlive(client, on: 1)
            #expect(server.server.counters.ignoredFrames == types.count)
            await client.close()
        }
    }

    @Test func `an envelope that is none, or without names, costs only its stream`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.frame(.request, on: 1, ByteBuffer(bytes: [0x0a, 0xff, 0x01])))
            #expect(try await client.error(on: 1).knownReason == .malformed)

            await client.send(Bytes.frame(.request, on: 3))
            #expect(try await client.error(on: 3).violations.map(\.field) == ["service"])

            let nameless = RequestEnvelope(service: "dms.v1.Admin", method: "", payload: ByteBuffer())
            await client.send(Bytes.request(nameless, on: 5))
            let error = try await client.error(on: 5)
            #expect(error.statusCode == .invalidArgument)
            #expect(error.violations.map(\.field) == ["method"])
            #expect(methods.callCount == 0)
            try await expectAlive(client, on: 7)
            await client.close()
        }
    }

    @Test(arguments: [
        ("dms.v1.Admin", "resume"), ("dms.v1.Admin", "Nothing"), ("dms.v1.admin", "Resume"), ("Resume", "dms.v1.Admin"),
        ("dms.v1.Admin", "Resume\0"), ("/dms.v1.Admin", "Resume"),
    ])
    func `a method that there is not is unimplemented`(service: String, method: String) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(
                Bytes.request(RequestEnvelope(service: service, method: method, payload: ByteBuffer()), on: 1))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .unimplemented)
            #expect(error.knownReason == .methodUnknown)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test func `a payload that is no message of its method is refused`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            let method = Methods.Admin.setPriority
            let cut = RequestEnvelope(
                service: method.service, method: method.name, payload: ByteBuffer(bytes: [0x0a, 0x7f, 0x61]))
            await client.send(Bytes.request(cut, on: 1))
            #expect(try await client.error(on: 1).knownReason == .malformed)

            let bad = RequestEnvelope(
                service: method.service, method: method.name, payload: ByteBuffer(bytes: [0x10, 0x07]))
            await client.send(Bytes.request(bad, on: 3))
            let error = try await client.error(on: 3)
            #expect(error.knownReason == .invalidField)
            #expect(error.violations.map(\.field) == ["priority"])
            await client.close()
        }
    }

    @Test func `an error of the service comes with its code, its reason and its sentence`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            let request = SetPriorityRequest(taskID: TaskID("t"), priority: .high)
            let error = try await client.refusal(Methods.Admin.setPriority, request, on: 1)
            #expect(error.statusCode == .failedPrecondition)
            #expect(error.knownReason == .taskNotQueued)
            #expect(error.message == "Only a queued task can change its priority")
            await client.close()
        }
    }

    @Test func `a request may come in two parts, cut anywhere, or byte by byte`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            var streamID: UInt32 = 1
            let length = Bytes.request(Methods.Admin.resume, ResumeRequest(reason: "r"), on: 1).readableBytes
            for cut in 0...length {
                var bytes = Bytes.request(Methods.Admin.resume, ResumeRequest(reason: "r"), on: streamID)
                let first = bytes.readSlice(length: cut)
                await client.send(try #require(first))
                await client.send(bytes)
                #expect(try await client.message(BlockState.self, on: streamID) == TestMethods.state("r"))
                streamID += 2
            }
            for byte in Bytes.request(Methods.Admin.resume, ResumeRequest(reason: "r"), on: streamID).readableBytesView
            {
                await client.send([byte])
            }
            #expect(try await client.message(BlockState.self, on: streamID) == TestMethods.state("r"))
            await client.close()
        }
    }

    @Test func `an answer too large for a frame is an error`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            methods.answer(TestMethods.state(String(repeating: "x", count: FrameLimits.dataBytesMax)))
            #expect(try await client.error(on: 1).knownReason == .limitFrame)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }
}
