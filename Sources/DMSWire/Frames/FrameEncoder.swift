public import NIOCore

/// Puts frames behind one another into a buffer.
public enum FrameEncoder {
    /// Appends a frame whose data is there already.
    public static func write(
        _ type: FrameType, streamID: UInt32, flags: FrameFlags = [], data: ByteBuffer, into buffer: inout ByteBuffer
    ) {
        let header = FrameHeader(
            dataLength: UInt32(data.readableBytes), streamID: streamID, type: type, flags: flags)
        header.write(into: &buffer)
        buffer.writeImmutableBuffer(data)
    }

    /// Appends a frame whose data is a message, packed in its place.
    ///
    /// Returns false, and leaves the buffer as it was, where the data would pass ``FrameLimits/dataBytesMax``.
    public static func write(
        _ type: FrameType, streamID: UInt32, flags: FrameFlags = [], message: some WireMessage,
        into buffer: inout ByteBuffer
    ) -> Bool {
        let start = buffer.writerIndex
        FrameHeader(dataLength: 0, streamID: streamID, type: type, flags: flags).write(into: &buffer)
        message.encode(into: &buffer)
        let dataLength = buffer.writerIndex - start - FrameHeader.byteCount
        guard dataLength <= FrameLimits.dataBytesMax else {
            buffer.moveWriterIndex(to: start)
            return false
        }
        buffer.setInteger(UInt32(dataLength), at: start)
        return true
    }
}
