import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import RPCServer

/// Whatever a client does wrong, its neighbours on the same loop do not notice.
@Suite(.timeLimit(.minutes(1))) struct MistakeTests {
    /// What a client may send that it should not.
    enum Mistake: CaseIterable {
        case evenID, zeroID, reusedID, dataOnEvenID, tooLong, oversized, noEnvelope, noMessage, noMethod, stream, data,
            cut, longPing, unknownType

        var bytes: ByteBuffer {
            switch self {
            case .evenID: Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 4)
            case .zeroID: Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 0)
            case .reusedID: Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1)
            case .dataOnEvenID: Bytes.frame(.data, on: 2)
            case .tooLong: Bytes.header(.request, on: 3, announcing: FrameLimits.skippedBytesMax + 1)
            case .oversized: Bytes.header(.request, on: 3, announcing: FrameLimits.dataBytesMax + 1)
            case .noEnvelope: Bytes.frame(.request, on: 3, ByteBuffer(bytes: [0xff, 0xff]))
            case .noMessage:
                Bytes.request(
                    RequestEnvelope(service: "dms.v1.Admin", method: "Resume", payload: ByteBuffer(bytes: [0xff])),
                    on: 3)
            case .noMethod:
                Bytes.request(RequestEnvelope(service: "a", method: "b", payload: ByteBuffer()), on: 3)
            case .stream: Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 3, flags: .remoteOpen)
            case .data: Bytes.frame(.data, on: 3)
            case .cut: ByteBuffer(bytes: [0, 0, 0])
            case .longPing: Bytes.frame(.ping, on: 0, ByteBuffer(repeating: 0, count: 65))
            case .unknownType: Bytes.frame(FrameType(rawValue: 0x77), on: 3, ByteBuffer(bytes: [1]))
            }
        }
    }

    @Test(arguments: Mistake.allCases)
    func `a mistake costs its sender only, and not the calls that the sender has in flight`(
        mistake: Mistake
    ) async throws {
        try await TestMethods.serve { server, methods in
            let (client, neighbour) = (try await server.client(), try await server.client())
            for each in [client, neighbour] {
                await each.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            }
            try await eventually { methods.waitingCount == 2 }
            await client.send(mistake.bytes)
            // On the same loop: what was sent before this call was looked at before it is answered.
            try await expectAlive(neighbour, on: 3)
            methods.answer(TestMethods.state("due"))
            #expect(try await neighbour.message(BlockState.self, on: 1) == TestMethods.state("due"))
            try await expectAlive(neighbour, on: 5)
            var isAnswered = false
            while !isAnswered, let frame = try await client.frame() {
                let error = try ResponseEnvelope.decode(frame.data).error
                isAnswered = frame.header.streamID == 1 && error == nil
            }
            #expect(isAnswered)
            await client.close()
            await neighbour.close()
        }
    }
}
