import DMSModel
import DMSWire
import NIOCore
import Testing

@testable import DMSClient

/// What becomes of calls when the server sends what it may not.
@Suite(.timeLimit(.minutes(1))) struct BrokenServerTests {
    /// Bytes that a server may send in place of an answer to the call on stream 1, and a word of the error they cause.
    enum Nonsense: CaseIterable {
        case oversizedFrame
        case hugeFrame
        case otherProtocol
        case unknownStream
        case evenStream
        case request
        case data

        func send(on call: ReceivedCall) async throws {
            let answer = ResponseEnvelope(payload: Sample.overview.encoded()).encoded()
            switch self {
            case .oversizedFrame: try await call.announce(length: UInt32(FrameLimits.dataBytesMax + 1))
            case .hugeFrame: try await call.announce(length: .max)
            case .otherProtocol:
                try await call.sendRaw(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
            case .unknownStream: try await call.send(.response, answer, streamID: 3)
            case .evenStream: try await call.send(.response, answer, streamID: 0)
            case .request: try await call.send(.request, answer)
            case .data: try await call.send(.data, answer)
            }
        }

        var word: String {
            switch self {
            case .oversizedFrame, .hugeFrame: "announced a frame of"
            case .otherProtocol: "it looks like HTTP, which the REST port speaks; the RPC port is 8001 unless set"
            case .unknownStream: "stream 3, where no call is open"
            case .evenStream: "stream 0, where no call is open"
            case .request: "type 1"
            case .data: "type 3"
            }
        }
    }

    @Test(arguments: Nonsense.allCases)
    func `nonsense costs the connection, and the call's outcome is unknown`(_ nonsense: Nonsense) async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            let call = try await calls.received()
            try await nonsense.send(on: call)
            guard case .outcomeUnknown(let cause) = await record.error else {
                Issue.record("\(await record)")
                return
            }
            #expect(cause.contains(nonsense.word))
            try await call.channel.closeFuture.get()

            async let overview = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 2)
            try await next.answer(Sample.overview)
            #expect(try await overview == Sample.overview)
        }
    }

    @Test(
        arguments: [
            (0x4854_5450, "it looks like HTTP, which the REST port speaks; the RPC port is 8001 unless set"),
            (0x1503_0100, "it looks like TLS, which an address with tls:// in front speaks"),
            (0x1603_0302, "it looks like TLS, which an address with tls:// in front speaks"),
            (0x5353_482D, "it sends text that begins with 'SSH-', and no frames"),
            (0x5353_481B, "it announced a frame of 1397966875 bytes, where 4194304 are the most"),
        ] as [(UInt32, String)])
    func `what is no scheduler is told by its first bytes`(_ start: UInt32, _ text: String) {
        #expect(StrangerText.describe(FrameHeader(dataLength: start, streamID: 0, type: .ping)) == text)
    }

    @Test func `a call that only reads is repeated after nonsense, and says what the server did at last`() async throws
    {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = outcome { try await client.tasks.overview() }
            try await Nonsense.otherProtocol.send(on: calls.received())
            try await Nonsense.unknownStream.send(on: calls.received())
            guard case .protocolViolation(let violation, outcomeUnknown: false) = await overview.error else {
                Issue.record("\(await overview)")
                return
            }
            #expect(violation.contains("stream 3"))
        }
    }

    @Test func `a second answer to one call costs the connection`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            let call = try await calls.received()
            try await call.answer(Sample.overview)
            _ = try await overview
            try await call.answer(Sample.overview)
            try await call.channel.closeFuture.get()
        }
    }

    @Test func `an answer that is no envelope fails its call and costs the connection`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let read = outcome { try await client.tasks.overview() }
            let first = try await calls.received()
            try await first.send(.response, ByteBuffer(bytes: [0xFF, 0xFF, 0xFF]))
            guard case .protocolViolation(_, outcomeUnknown: false) = await read.error else {
                Issue.record("\(await read)")
                return
            }
            try await first.channel.closeFuture.get()
            async let write = outcome { try await client.submitter.next() }
            try await calls.received().send(.response, ByteBuffer(bytes: [0xFF, 0xFF, 0xFF]))
            #expect(await write.error?.isOutcomeUnknown == true)
        }
    }

    @Test func `an answer of another type fails its call only`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let record = outcome { try await client.tasks.enqueue(Sample.submission()) }
            try await calls.received().answer(Sample.overview)
            guard case .protocolViolation(let violation, outcomeUnknown: true) = await record.error else {
                Issue.record("\(await record)")
                return
            }
            #expect(violation.hasPrefix("its answer to Enqueue is none"))
            async let overview = client.tasks.overview()
            let next = try await calls.received()
            #expect(next.connection == 1)
            try await next.answer(Sample.overview)
            _ = try await overview
        }
    }

    @Test func `frames of a type that nobody knows are ignored`() async throws {
        try await withServer { server, client in
            var calls = server.makeCallIterator()
            async let overview = client.tasks.overview()
            let call = try await calls.received()
            try await call.send(FrameType(rawValue: 0x7E), ByteBuffer(string: "news"), streamID: 0)
            try await call.answer(Sample.overview)
            #expect(try await overview == Sample.overview)
            #expect(server.connectionCount == 1)
        }
    }
}
