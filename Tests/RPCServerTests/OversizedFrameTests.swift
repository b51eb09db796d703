import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

/// Frames of each type past what is taken, and stream ids and flags at their ends.
@Suite(.timeLimit(.minutes(1))) struct OversizedFrameTests {
    @Test(arguments: [FrameLimits.dataBytesMax + 1, FrameLimits.skippedBytesMax])
    func `an oversized data frame ends the call on its stream, and is skipped`(size: Int) async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await client.send(Bytes.header(.data, on: 1, announcing: size))
            #expect(try await client.error(on: 1).knownReason == .limitFrame)
            methods.answer()
            await client.send(ByteBuffer(repeating: 0x01, count: size))
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test(arguments: [.ping, .pong, .cancel, .goaway, .response, FrameType(rawValue: 0xff)])
    func `an oversized frame that is no call's is skipped in silence`(type: FrameType) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.header(type, on: 0, announcing: FrameLimits.dataBytesMax + 1))
            await client.send(ByteBuffer(repeating: 0x01, count: FrameLimits.dataBytesMax + 1))
            try await expectAlive(client, on: 1)
            #expect(server.server.counters.ignoredFrames == 1)
            await client.close()
        }
    }

    @Test(arguments: [0, 2, 1] as [UInt32])
    func `an oversized request on a stream id that breaks the rules ends the connection`(id: UInt32) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            try await expectAlive(client, on: 1)
            await client.send(Bytes.header(.request, on: id, announcing: FrameLimits.dataBytesMax + 1))
            #expect(try await client.error(on: id).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `an oversized request uses up its stream id`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(Bytes.header(.request, on: 5, announcing: FrameLimits.dataBytesMax + 1))
            #expect(try await client.error(on: 5).knownReason == .limitFrame)
            await client.send(ByteBuffer(repeating: 0x01, count: FrameLimits.dataBytesMax + 1))
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 5))
            #expect(try await client.error(on: 5).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test func `the last stream id there is serves, and none comes after it`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            try await expectAlive(client, on: .max)
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
            #expect(try await client.error(on: 1).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
        }
    }

    @Test(arguments: [FrameFlags.remoteOpen, [.remoteOpen, .remoteClosed]])
    func `every flag of a client that wants to stream is refused`(flags: FrameFlags) async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1, flags: flags))
            #expect(try await client.error(on: 1).knownReason == .malformed)
            #expect(methods.callCount == 0)
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test func `other flags of a request are not looked at`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            for (index, bits) in [0x04, 0x05, 0x08, 0x80, 0xfd].enumerated() {
                let streamID = UInt32(2 * index + 1)
                let flags = FrameFlags(rawValue: UInt8(bits))
                await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: streamID, flags: flags))
                _ = try await client.message(BlockState.self, on: streamID)
            }
            await client.close()
        }
    }
}
