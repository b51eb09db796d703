import DMSWire
import NIOCore

/// A call as the server of a test received it, and the means to answer it, well or badly.
struct ReceivedCall: Sendable {
    /// Which connection it came on, from 1 on.
    let connection: Int
    let channel: any Channel
    let header: FrameHeader
    let envelope: RequestEnvelope

    var streamID: UInt32 { header.streamID }

    /// The request message.
    func message<Message: WireMessage>(as: Message.Type) throws -> Message { try Message.decode(envelope.payload) }

    func answer(_ message: some WireMessage) async throws {
        try await send(.response, ResponseEnvelope(payload: message.encoded()).encoded())
    }

    func refuse(_ error: RPCError) async throws {
        try await send(.response, ResponseEnvelope(status: RPCStatus(error)).encoded())
    }

    /// Sends a frame, by default on the call's own stream.
    func send(_ type: FrameType, _ data: ByteBuffer, streamID: UInt32? = nil) async throws {
        var buffer = ByteBuffer()
        FrameEncoder.write(type, streamID: streamID ?? self.streamID, data: data, into: &buffer)
        try await sendRaw(buffer)
    }

    /// Sends bytes as they are.
    func sendRaw(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// Announces an answer of some length, without sending any of it.
    func announce(length: UInt32) async throws {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(length, streamID, FrameType.response.rawValue, UInt8(0))
        try await sendRaw(buffer)
    }

    func closeConnection() async throws { try await channel.close() }
}
