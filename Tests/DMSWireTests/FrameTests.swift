import DMSModel
import DMSWire
import NIOCore
import Testing

@Suite struct FrameTests {
    /// Every frame vector whose data is there, one behind the other.
    private func stream() throws -> (bytes: ByteBuffer, frames: [FrameVector]) {
        let frames = try FrameVector.all().filter { !$0.isCut }
        var bytes = ByteBuffer()
        for frame in frames { bytes.writeImmutableBuffer(try frame.bytes) }
        return (bytes, frames)
    }

    private func expect(_ events: [FrameDecoder.Event], are frames: [FrameVector]) throws {
        try #require(events.count == frames.count)
        for (event, vector) in zip(events, frames) {
            guard case .frame(let frame) = event else {
                Issue.record("\(vector.name): \(event)")
                continue
            }
            #expect(frame.header.dataLength == vector.dataLength, "\(vector.name)")
            #expect(frame.header.streamID == vector.stream, "\(vector.name)")
            #expect(frame.header.type.rawValue == vector.type, "\(vector.name)")
            #expect(frame.header.flags.rawValue == vector.flags, "\(vector.name)")
            let data = try #require(
                try vector.bytes.getSlice(at: FrameHeader.byteCount, length: Int(vector.dataLength)))
            #expect(frame.data == data, "\(vector.name)")
        }
    }

    @Test func `every frame is written as its vector`() throws {
        for vector in try FrameVector.all() where !vector.isCut {
            let data = try #require(
                try vector.bytes.getSlice(at: FrameHeader.byteCount, length: Int(vector.dataLength)))
            var buffer = ByteBuffer()
            FrameEncoder.write(
                FrameType(rawValue: vector.type), streamID: vector.stream, flags: FrameFlags(rawValue: vector.flags),
                data: data, into: &buffer)
            #expect(buffer == (try vector.bytes), "\(vector.name)")
        }
    }

    @Test func `a frame around a message is that of the message's bytes`() throws {
        let envelope = ResponseEnvelope(payload: ByteBuffer(bytes: [0x0a, 0x00]))
        var buffer = ByteBuffer()
        let fits = FrameEncoder.write(.response, streamID: 1, message: envelope, into: &buffer)
        #expect(fits)
        #expect(buffer == (try FrameVector.named("response").bytes))
    }

    @Test func `frames that come at once are told apart`() throws {
        let (bytes, frames) = try stream()
        var decoder = FrameDecoder()
        decoder.append(bytes)
        try expect(try decoder.all(), are: frames)
        #expect(decoder.isBetweenFrames)
    }

    @Test func `frames that come byte by byte are the same`() throws {
        let (bytes, frames) = try stream()
        var decoder = FrameDecoder()
        var events: [FrameDecoder.Event] = []
        for byte in bytes.readableBytesView {
            decoder.append(ByteBuffer(bytes: [byte]))
            events += try decoder.all()
        }
        try expect(events, are: frames)
    }

    @Test func `frames that come in two parts are the same, wherever they are cut`() throws {
        let (bytes, frames) = try stream()
        for cut in 0...bytes.readableBytes {
            var decoder = FrameDecoder()
            var rest = bytes
            let first = rest.readSlice(length: cut)
            decoder.append(try #require(first))
            var events = try decoder.all()
            decoder.append(rest)
            events += try decoder.all()
            try expect(events, are: frames)
        }
    }

    @Test func `a frame of the largest size is taken, one byte more is reported before its data comes`() throws {
        var decoder = FrameDecoder()
        decoder.append(try FrameVector.named("largest, its data left out").bytes)
        let early = try decoder.next()
        #expect(early == nil)
        decoder.append(ByteBuffer(repeating: 1, count: 4 << 20))
        guard case .frame(let frame) = try decoder.next() else {
            Issue.record("no frame")
            return
        }
        #expect(frame.data.readableBytes == 4 << 20)

        decoder.append(try FrameVector.named("one over the largest, its data left out").bytes)
        guard case .oversized(let header) = try decoder.next() else {
            Issue.record("no report")
            return
        }
        #expect(header.dataLength == (4 << 20) + 1)
        #expect(!decoder.isBetweenFrames)
    }

    @Test func `what follows a skipped frame is read`() throws {
        let following = try FrameVector.named("ping")
        for announced in [(4 << 20) + 1, 16 << 20] {
            var bytes = ByteBuffer()
            bytes.writeInteger(UInt32(announced))
            bytes.writeBytes([0, 0, 0, 1, 1, 0])
            bytes.writeRepeatingByte(0xff, count: announced)
            bytes.writeImmutableBuffer(try following.bytes)
            var decoder = FrameDecoder()
            var events: [FrameDecoder.Event] = []
            while let part = bytes.readSlice(length: min(65_521, bytes.readableBytes)), part.readableBytes > 0 {
                decoder.append(part)
                events += try decoder.all()
            }
            #expect(events.count == 2)
            try expect(Array(events.suffix(1)), are: [following])
            #expect(decoder.isBetweenFrames)
        }
    }

    @Test func `a frame past what is skipped is an error for ever`() throws {
        var decoder = FrameDecoder()
        let expected = FrameError.tooLong(
            FrameHeader(dataLength: (16 << 20) + 1, streamID: 1, type: .request, flags: []))
        decoder.append(try FrameVector.named("one over what is skipped, its data left out").bytes)
        for _ in 0..<2 {
            var error: FrameError?
            do throws(FrameError) { _ = try decoder.next() } catch let thrown { error = thrown }
            #expect(error == expected)
            decoder.append(try FrameVector.named("ping").bytes)
        }
        #expect(!decoder.isBetweenFrames)
    }

    @Test func `a cut frame is seen as one`() throws {
        let bytes = try FrameVector.named("request").bytes
        for length in 1..<bytes.readableBytes {
            var decoder = FrameDecoder()
            decoder.append(try #require(bytes.getSlice(at: 0, length: length)))
            let event = try decoder.next()
            #expect(event == nil)
            #expect(!decoder.isBetweenFrames)
        }
        #expect(FrameDecoder().isBetweenFrames)
    }

    @Test func `a message too large for a frame leaves no trace of itself`() throws {
        let envelopeBytes = 5  // the payload's tag and length
        var buffer = ByteBuffer(string: "x")
        let atLimit = ByteBuffer(repeating: 1, count: FrameLimits.dataBytesMax - envelopeBytes)
        let fits = FrameEncoder.write(
            .response, streamID: 1, message: ResponseEnvelope(payload: atLimit), into: &buffer)
        #expect(fits)
        #expect(buffer.readableBytes == 1 + FrameHeader.byteCount + FrameLimits.dataBytesMax)

        var other = ByteBuffer(string: "x")
        let pastLimit = ByteBuffer(repeating: 1, count: FrameLimits.dataBytesMax - envelopeBytes + 1)
        let isPast = !FrameEncoder.write(
            .response, streamID: 1, message: ResponseEnvelope(payload: pastLimit), into: &other)
        #expect(isPast)
        #expect(other == ByteBuffer(string: "x"))
    }

    @Test func `stream ids are odd and rise`() {
        var ids = StreamIDSequence()
        let offered: [UInt32] = [0, 2, 1, 1, 7, 5, 8, .max, 1]
        let taken = offered.filter { ids.accept($0) }
        #expect(taken == [1, 7, .max])
        #expect(ids.last == .max)
    }
}

extension FrameDecoder {
    /// Every event that the bytes so far make.
    fileprivate mutating func all() throws -> [Event] {
        var events: [Event] = []
        while let event = try next() { events.append(event) }
        return events
    }
}
