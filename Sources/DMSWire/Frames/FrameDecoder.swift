public import NIOCore

/// Cuts a connection's bytes into frames.
///
/// Feed it what was read, then ask for frames until there is none. A frame over the limit is reported as soon as its header
/// is there, and its data is dropped as it arrives; no more than one frame of legal size is ever kept.
public struct FrameDecoder: Sendable {
    /// What a connection's bytes turned out to be.
    public enum Event: Sendable, Equatable {
        case frame(Frame)
        /// A frame over ``FrameLimits/dataBytesMax``, whose data is being skipped.
        case oversized(FrameHeader)
    }

    private enum State {
        case header
        case data(FrameHeader)
        case skipping(bytes: Int)
        case failed(FrameError)
    }

    private var state = State.header
    private var buffer = ByteBuffer()
    /// Whether frames that were given out share the buffer's memory, so that appending would copy all of it.
    private var isShared = false

    /// A decoder for a connection's first byte on.
    public init() {}

    /// Whether the bytes end between two frames; where they end elsewhere, a frame was cut.
    public var isBetweenFrames: Bool {
        guard case .header = state else { return false }
        return buffer.readableBytes == 0
    }

    /// Takes what was read from the connection.
    public mutating func append(_ bytes: ByteBuffer) {
        guard buffer.readableBytes > 0 else {
            buffer = bytes
            isShared = true
            return
        }
        if isShared {
            buffer = ByteBuffer(bytes: buffer.readableBytesView)
            isShared = false
        }
        buffer.writeImmutableBuffer(bytes)
    }

    /// The next frame; nil waits for more bytes, an error is for ever.
    public mutating func next() throws(FrameError) -> Event? {
        while true {
            switch state {
            case .failed(let error):
                throw error
            case .skipping(let bytes):
                let skipped = min(bytes, buffer.readableBytes)
                buffer.moveReaderIndex(forwardBy: skipped)
                guard skipped == bytes else {
                    state = .skipping(bytes: bytes - skipped)
                    buffer = ByteBuffer()
                    return nil
                }
                state = .header
            case .header:
                guard let header = FrameHeader(readingFrom: &buffer) else { return nil }
                if let event = try start(header) { return event }
            case .data(let header):
                guard let data = buffer.readSlice(length: Int(header.dataLength)) else { return nil }
                isShared = true
                state = .header
                return .frame(Frame(header: header, data: data))
            }
        }
    }

    /// Decides by the header alone what becomes of the frame's data.
    private mutating func start(_ header: FrameHeader) throws(FrameError) -> Event? {
        let length = Int(header.dataLength)
        if length <= FrameLimits.dataBytesMax {
            state = .data(header)
            return nil
        }
        guard length <= FrameLimits.skippedBytesMax else {
            state = .failed(.tooLong(header))
            buffer = ByteBuffer()
            throw .tooLong(header)
        }
        state = .skipping(bytes: length)
        return .oversized(header)
    }
}
