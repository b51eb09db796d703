public import NIOCore

/// What kind of frame it is; numbers that nobody defined are kept as they are.
public struct FrameType: RawRepresentable, Sendable, Hashable {
    /// The number on the wire.
    public let rawValue: UInt8

    /// The type with that number, defined or not.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A call.
    public static let request = FrameType(rawValue: 0x01)
    /// The answer to a call.
    public static let response = FrameType(rawValue: 0x02)
    /// A part of a stream; none of our methods streams.
    public static let data = FrameType(rawValue: 0x03)
    /// Extension: asks for the same bytes back.
    public static let ping = FrameType(rawValue: 0x10)
    /// Extension: the answer to a ping.
    public static let pong = FrameType(rawValue: 0x11)
    /// Extension: the client gives a call up.
    public static let cancel = FrameType(rawValue: 0x12)
    /// Extension: the server closes the connection when what is in flight is done.
    public static let goaway = FrameType(rawValue: 0x13)
}

/// What the sender says of its side of the stream.
public struct FrameFlags: OptionSet, Sendable, Hashable {
    /// The bits on the wire; those that nobody defined are kept.
    public let rawValue: UInt8

    /// The flags with these bits, defined or not.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The sender sends no more on this stream.
    public static let remoteClosed = FrameFlags(rawValue: 0x01)
    /// The sender will send more on this stream.
    public static let remoteOpen = FrameFlags(rawValue: 0x02)
    /// The frame carries no message.
    public static let noData = FrameFlags(rawValue: 0x04)
}

/// The ten bytes before a frame's data; integers are big-endian.
public struct FrameHeader: Sendable, Hashable {
    /// How many bytes of data follow.
    public var dataLength: UInt32
    /// The stream that the frame belongs to; odd for calls, 0 for the connection as a whole.
    public var streamID: UInt32
    /// What the frame's data is.
    public var type: FrameType
    /// What the sender says of the stream; empty for a unary request.
    public var flags: FrameFlags

    /// The length of every header, in bytes.
    public static let byteCount = 10

    /// A header with these fields; by default without flags.
    public init(dataLength: UInt32, streamID: UInt32, type: FrameType, flags: FrameFlags = []) {
        self.dataLength = dataLength
        self.streamID = streamID
        self.type = type
        self.flags = flags
    }

    /// Takes a header off the front of a buffer; nil where it is not all there yet.
    init?(readingFrom buffer: inout ByteBuffer) {
        guard
            let (dataLength, streamID, type, flags) = buffer.readMultipleIntegers(
                as: (UInt32, UInt32, UInt8, UInt8).self)
        else { return nil }
        self.init(
            dataLength: dataLength, streamID: streamID, type: FrameType(rawValue: type),
            flags: FrameFlags(rawValue: flags))
    }

    func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(dataLength, streamID, type.rawValue, flags.rawValue)
    }
}

/// A header and its data.
public struct Frame: Sendable, Equatable {
    /// What stands before the data on the wire.
    public var header: FrameHeader
    /// The frame's contents: `dataLength` bytes of them.
    public var data: ByteBuffer

    /// A frame; the header's length is to be that of the data.
    public init(header: FrameHeader, data: ByteBuffer) {
        self.header = header
        self.data = data
    }
}
