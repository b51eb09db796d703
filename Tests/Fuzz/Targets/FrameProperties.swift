import DMSModel
import DMSWire
import NIOCore

/// Frames: cut anywhere they are the same, they are what stands in the bytes, and they are written as they were read.
///
/// The first byte says how many of the next are sizes of pieces. A frame that is skipped is longer than an input should
/// be: behind a header, `0xFF` and a byte stand for a run of that many times 64 KiB.
enum FrameProperties {
    private static let runBytes = 64 << 10

    static func check(_ input: FuzzInput) throws {
        var input = input
        let sizes = input.take(Int(input.byte() % 16))
        let stream = expanded(input)
        let whole = events(of: [stream])
        try hold(whole == events(of: stream.pieces(by: sizes)), "frames depend on where their bytes are cut")
        try hold(whole == expected(stream), "frames are not what stands in the bytes")
        var written = ByteBuffer()
        for case .frame(let frame) in whole.events {
            let start = written.writerIndex
            FrameEncoder.write(
                frame.header.type, streamID: frame.header.streamID, flags: frame.header.flags, data: frame.data,
                into: &written)
            var decoder = FrameDecoder()
            decoder.append(written.getSlice(at: start, length: written.writerIndex - start) ?? ByteBuffer())
            try hold(try decoder.next() == .frame(frame), "a frame is not read as it was written")
            try hold(decoder.isBetweenFrames, "a frame leaves something behind it")
        }
    }

    private static func expanded(_ input: FuzzInput) -> ByteBuffer {
        var input = input
        var stream = ByteBuffer()
        var isExpanded = false
        while !input.isEmpty {
            let byte = input.byte()
            if byte == 0xFF, !isExpanded {
                stream.writeRepeatingByte(7, count: Int(input.byte() % 72) * runBytes)
                isExpanded = true
            } else {
                stream.writeInteger(byte)
            }
        }
        return stream
    }

    private struct Reading: Equatable {
        var events: [FrameDecoder.Event] = []
        var error: FrameError?
        var isBetweenFrames = true
    }

    private static func events(of pieces: [ByteBuffer]) -> Reading {
        var reading = Reading()
        var decoder = FrameDecoder()
        for piece in pieces {
            decoder.append(piece)
            do throws(FrameError) {
                while let event = try decoder.next() { reading.events.append(event) }
            } catch {
                reading.error = error
            }
        }
        reading.isBetweenFrames = decoder.isBetweenFrames
        return reading
    }

    /// A second opinion, which has all bytes before it.
    private static func expected(_ stream: ByteBuffer) -> Reading {
        var reading = Reading()
        var rest = stream
        while let (length, id, type, flags) = rest.readMultipleIntegers(as: (UInt32, UInt32, UInt8, UInt8).self) {
            let header = FrameHeader(
                dataLength: length, streamID: id, type: FrameType(rawValue: type), flags: FrameFlags(rawValue: flags))
            if length > 16 << 20 {
                reading.error = .tooLong(header)
                reading.isBetweenFrames = false
                return reading
            }
            let isOversized = length > 4 << 20
            if isOversized { reading.events.append(.oversized(header)) }
            guard let data = rest.readSlice(length: Int(length)) else {
                reading.isBetweenFrames = false
                return reading
            }
            if !isOversized { reading.events.append(.frame(Frame(header: header, data: data))) }
        }
        reading.isBetweenFrames = rest.readableBytes == 0
        return reading
    }
}
