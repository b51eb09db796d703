import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct CallTests {
    @Test func `a thousand calls in flight are each answered once, in any order`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            let ids = (0..<1000).map { UInt32(2 * $0 + 1) }
            var bytes = ByteBuffer()
            for id in ids {
                bytes.writeImmutableBuffer(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: id))
            }
            await client.send(bytes)
            try await eventually { methods.waitingCount == ids.count }
            methods.answer { $0.reversed() }
            var answered: [UInt32] = []
            for _ in ids { answered.append(try await client.answer().streamID) }
            #expect(answered == ids.reversed())
            try await expectAlive(client, on: 2001)
            await client.close()
        }
    }

    @Test func `past 1,024 calls in flight the server reads no further until one is answered`() async throws {
        let most = ConnectionLimits().openStreamsMax
        try #require(most == 1024)
        try await TestMethods.serve { server, methods in
            let (client, neighbour) = (try await server.client(), try await server.client())
            var bytes = ByteBuffer()
            for index in 0..<most + 2 {
                let id = UInt32(2 * index + 1)
                bytes.writeImmutableBuffer(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: id))
            }
            await client.send(bytes)
            try await eventually { methods.waitingCount == most }
            // The neighbour is on the same loop: whatever could be read meanwhile was.
            for index in 0..<20 { try await expectAlive(neighbour, on: UInt32(2 * index + 1)) }
            #expect(methods.waitingCount == most)
            methods.answerFirst()
            #expect(try await client.answer().streamID == 1)
            try await eventually { methods.waitingCount == most }
            methods.answer()
            for _ in 0..<most { _ = try await client.answer() }
            try await eventually { methods.waitingCount == 1 }
            methods.answer()
            #expect(try await client.answer().streamID == UInt32(2 * most + 3))
            await client.close()
            await neighbour.close()
        }
    }

    @Test func `a client that does not take its answers is not read from`() async throws {
        let calls = 200
        try await TestMethods.serve { server, methods in
            let (client, neighbour) = (try await server.client(), try await server.client())
            try await client.stopReading()
            let reason = String(repeating: "x", count: 1 << 20)
            for index in 0..<calls {
                client.sendLater(
                    Bytes.request(Methods.Admin.resume, ResumeRequest(reason: reason), on: UInt32(2 * index + 1)))
            }
            var streamID: UInt32 = 1
            var before = -1
            // Until nothing moves any more.
            try await eventually {
                let now = methods.callCount
                for _ in 0..<50 {
                    try await expectAlive(neighbour, on: streamID)
                    streamID += 2
                }
                // The neighbour's own calls count too.
                defer { before = now }
                return now - before == 50
            }
            let answered = methods.callCount - Int(streamID / 2)
            #expect(answered < calls / 2)
            try await client.startReading()
            for index in 0..<calls {
                #expect(try await client.message(BlockState.self, on: UInt32(2 * index + 1)).reason == reason)
            }
            await client.close()
            await neighbour.close()
        }
    }

    @Test func `a client that breaks the rules gets the answers that were due, whatever it sends on`() async throws {
        var limits = ConnectionLimits.patient
        limits.lingering = .seconds(30)
        try await TestMethods.serve(limits: limits) { server, _ in
            let (client, neighbour) = (try await server.client(), try await server.client())
            try await client.stopReading()
            let reason = String(repeating: "x", count: 1 << 20)
            for id in [1, 3, 5] as [UInt32] {
                client.sendLater(Bytes.request(Methods.Admin.resume, ResumeRequest(reason: reason), on: id))
            }
            client.sendLater(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
            client.sendLater(ByteBuffer(repeating: 0x01, count: 8 << 20))
            // Until the server has had every chance to close too early.
            for index in 0..<200 { try await expectAlive(neighbour, on: UInt32(2 * index + 1)) }
            try await client.startReading()
            for id in [1, 3, 5] as [UInt32] {
                #expect(try await client.message(BlockState.self, on: id).reason == reason)
            }
            #expect(try await client.error(on: 1).knownReason == .malformed)
            #expect(try await client.frame() == nil)
            await client.close()
            await neighbour.close()
        }
    }

    @Test func `a deadline that has passed is answered without a call`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(
                Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1, timeoutNanoseconds: -1))
            let error = try await client.error(on: 1)
            #expect(error.statusCode == .deadlineExceeded)
            #expect(error.knownReason == .deadlineExceeded)
            #expect(methods.callCount == 0)
            await client.close()
        }
    }

    @Test func `a deadline that passes is the answer, and the late one is dropped`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(
                Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1, timeoutNanoseconds: 1_000_000))
            #expect(try await client.error(on: 1).knownReason == .deadlineExceeded)
            try await eventually { methods.waitingCount == 1 }
            methods.answer()
            try await expectAlive(client, on: 3)
            await client.close()
        }
    }

    @Test(arguments: [60_000_000_000, Int64.max])
    func `a deadline far away changes nothing`(nanoseconds: Int64) async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            await client.send(
                Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1, timeoutNanoseconds: nanoseconds))
            _ = try await client.message(BlockState.self, on: 1)
            await client.close()
        }
    }

    @Test func `a client that sends no more gets the answers that are due, then the end`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            for id in [1, 3] as [UInt32] {
                await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: id))
            }
            try await client.finishSending()
            try await eventually { methods.waitingCount == 2 }
            methods.answer()
            #expect(try await client.answer().streamID == 1)
            #expect(try await client.answer().streamID == 3)
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `a client that sends nothing and no more is closed`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            try await client.finishSending()
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `a cut frame closes the connection at once`() async throws {
        try await TestMethods.serve { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await client.send([0, 0, 0, 1, 0])
            try await client.finishSending()
            #expect(try await client.frame() == nil)
            methods.answer()
        }
    }

    @Test func `a client that goes away mid-call costs nobody anything`() async throws {
        try await TestMethods.serve { server, methods in
            let (client, neighbour) = (try await server.client(), try await server.client())
            await client.send(
                Bytes.request(
                    Methods.Admin.getBlock, GetBlockRequest(), on: 1, timeoutNanoseconds: 60_000_000_000))
            try await eventually { methods.waitingCount == 1 }
            await client.close()
            try await expectAlive(neighbour, on: 1)
            methods.answer()
            try await expectAlive(neighbour, on: 3)
            await neighbour.close()
        }
    }

    @Test func `noise costs only its sender`() async throws {
        try await TestMethods.serve { server, _ in
            let neighbour = try await server.client()
            var noise = SystemRandomNumberGenerator()
            for round in 0..<100 {
                let client = try await server.client()
                await client.send((0..<200).map { _ in UInt8.random(in: 0...255, using: &noise) })
                try? await client.finishSending()
                while try await client.frame() != nil {}
                try await expectAlive(neighbour, on: UInt32(2 * round + 1))
                await client.close()
            }
            await neighbour.close()
        }
    }

    @Test func `pings come back with their bytes, longer ones are ignored and counted`() async throws {
        try await TestMethods.serve { server, _ in
            let client = try await server.client()
            for length in [0, 8, 64] {
                let data = ByteBuffer(repeating: 0x61, count: length)
                await client.send(Bytes.frame(.ping, on: 0, data))
                let pong = try #require(try await client.frame())
                #expect(pong.header.type == .pong)
                #expect(pong.header.streamID == 0)
                #expect(pong.data == data)
            }
            await client.send(Bytes.frame(.ping, on: 0, ByteBuffer(repeating: 0x61, count: 65)))
            try await expectAlive(client, on: 1)
            #expect(server.server.counters.ignoredFrames == 1)
            // Nor is one on a stream a ping.
            await client.send(Bytes.frame(.ping, on: 1, ByteBuffer(string: "x")))
            try await expectAlive(client, on: 3)
            #expect(server.server.counters.ignoredFrames == 2)
            await client.close()
        }
    }
}

@Suite struct PingLimiterTests {
    /// Whether the client is still welcome after that many pings in each of the seconds.
    private func isWelcome(after pings: [Int]) -> Bool {
        var limiter = PingLimiter(ConnectionLimits())
        var isWelcome = true
        for (second, count) in pings.enumerated() {
            for _ in 0..<count {
                let now = NIODeadline.uptimeNanoseconds(UInt64(second + 5) * 1_000_000_000)
                isWelcome = limiter.accept(at: now)
            }
        }
        return isWelcome
    }

    @Test func `a hundred pings a second are welcome for ever`() {
        #expect(isWelcome(after: Array(repeating: 100, count: 60)))
    }

    @Test func `more are welcome for nine seconds, not for ten`() {
        #expect(isWelcome(after: Array(repeating: 101, count: 9)))
        #expect(!isWelcome(after: Array(repeating: 101, count: 10)))
    }

    @Test func `a quiet second starts the count anew`() {
        #expect(isWelcome(after: Array(repeating: 101, count: 9) + [100] + Array(repeating: 101, count: 9)))
        #expect(isWelcome(after: Array(repeating: 101, count: 9) + [0] + Array(repeating: 101, count: 9)))
    }
}
