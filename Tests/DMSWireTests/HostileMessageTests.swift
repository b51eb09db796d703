import DMSModel
import DMSWire
import NIOCore
import Testing

/// Bytes that nobody honest sends: an error or a value, never a crash.
@Suite struct HostileMessageTests {
    @Test func `a message cut at any byte is an error or a smaller message`() throws {
        for vector in try MessageVector.all() {
            let value = try #require(ExpectedMessages.all[vector.name])
            let bytes = try vector.bytes
            for length in 0..<bytes.readableBytes {
                let cut = try #require(bytes.getSlice(at: 0, length: length))
                expectNoOtherError(cut, like: value)
            }
        }
    }

    @Test func `a string cut in its middle is malformed`() throws {
        let bytes = GetTaskRequest(taskID: TaskID("0123456789")).encoded()
        for length in 1..<bytes.readableBytes {
            let cut = try #require(bytes.getSlice(at: 0, length: length))
            #expect(throws: WireError.malformed("The bytes are no dms.v1.GetTaskRequest")) {
                try GetTaskRequest.decode(cut)
            }
        }
    }

    @Test func `any byte may be any other`() throws {
        for vector in try MessageVector.all() {
            let value = try #require(ExpectedMessages.all[vector.name])
            let bytes = try vector.bytes
            for index in 0..<bytes.readableBytes {
                for byte in [0x00, 0x07, 0x0f, 0x7f, 0x80, 0xff] as [UInt8] {
                    var changed = bytes
                    changed.setInteger(byte, at: index)
                    expectNoOtherError(changed, like: value)
                }
            }
        }
    }

    @Test func `noise is read or refused`() {
        var noise = SplitMix(state: 2)
        for _ in 0..<20_000 {
            let count = Int(noise.next() % 64)
            let bytes = ByteBuffer(bytes: (0..<count).map { _ in UInt8(truncatingIfNeeded: noise.next()) })
            expectNoOtherError(bytes, like: NextAnswer(tasks: []))
            expectNoOtherError(bytes, like: RequestEnvelope(service: "", method: "", payload: ByteBuffer()))
            expectNoOtherError(bytes, like: TaskQuery())
        }
    }

    /// Decodes as the value's type; typed throws leave a ``DMSWire/WireError`` as the only failure there is.
    private func expectNoOtherError<Value: WireMessage>(_ bytes: ByteBuffer, like: Value) {
        guard let value = try? Value.decode(bytes) else { return }
        _ = value.encoded()
    }

    @Test func `unknown fields are ignored`() throws {
        var bytes = GetTaskRequest(taskID: TaskID("t")).encoded()
        bytes.writeBytes([0xf8, 0x01, 0x2a])  // field 31, a number
        bytes.writeBytes([0xfa, 0x01, 0x03, 0x61, 0x62, 0x63])  // field 31, bytes
        bytes.writeBytes([0xfd, 0x01, 1, 2, 3, 4])  // field 31, 32 bits
        bytes.writeBytes([0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8])  // field 31, 64 bits
        #expect(try GetTaskRequest.decode(bytes) == GetTaskRequest(taskID: TaskID("t")))
    }

    @Test func `of a field that comes twice the last counts, and lists go on`() throws {
        var bytes = SetPriorityRequest(taskID: TaskID("first"), priority: .high).encoded()
        SetPriorityRequest(taskID: TaskID("second"), priority: .mid).encode(into: &bytes)
        #expect(
            try SetPriorityRequest.decode(bytes) == SetPriorityRequest(taskID: TaskID("second"), priority: .mid))

        let lease = LeaseReference(taskID: TaskID("t"), token: "x")
        var acks = AckRequest(leases: [lease]).encoded()
        AckRequest(leases: [lease, lease]).encode(into: &acks)
        #expect(try AckRequest.decode(acks).leases.count == 3)

        var reasons = BlockRequest(blocked: true, reason: "one").encoded()
        BlockRequest(blocked: true, reason: "two").encode(into: &reasons)
        #expect(try BlockRequest.decode(reasons).reason == "two")
    }

    @Test func `an embedded message that comes twice is merged`() throws {
        // FinishRequest.lease: task_id in one, lease_token in the other.
        let bytes = ByteBuffer(bytes: [0x0a, 0x03, 0x0a, 0x01, 0x74, 0x0a, 0x03, 0x12, 0x01, 0x78])
        #expect(try TaskFinish.decode(bytes).lease == LeaseReference(taskID: TaskID("t"), token: "x"))
    }

    @Test func `a NUL inside a text is a character like any other`() throws {
        let request = TaskCancellation(taskID: TaskID("a\0b"), service: "\0", userID: "\0\0")
        #expect(try TaskCancellation.decode(request.encoded()) == request)
    }

    @Test(
        arguments: [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0x61, 0x80],
        ] as [[UInt8]])
    func `a text that is not UTF-8 is malformed`(text: [UInt8]) {
        let bytes = ByteBuffer(bytes: [0x0a, UInt8(text.count)] + text)
        #expect(throws: WireError.malformed("dms.v1.GetTaskRequest.task_id is not UTF-8")) {
            try GetTaskRequest.decode(bytes)
        }
    }

    @Test(arguments: [4, 7, -1, Int32.max, .min])
    func `a priority that nobody defined is a bad field`(number: Int32) throws {
        var bytes = ByteBuffer(bytes: [0x10])  // SetPriorityRequest.priority
        var rest = UInt64(bitPattern: Int64(number))
        while rest > 0x7f {
            bytes.writeInteger(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.writeInteger(UInt8(rest))
        let error = try #require(throws: WireError.self) { try SetPriorityRequest.decode(bytes) }
        guard case .invalid(let violation) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(violation.field == "priority")
        #expect(error.schedulerError.reason == .invalidField)
        #expect(error.schedulerError.violations == [violation])
    }

    @Test func `a task without its times, or of no status, is refused`() {
        #expect(throws: WireError.self) { try TaskRecord.decode(ByteBuffer()) }
        #expect(throws: WireError.self) { try TaskRecord.decode(ByteBuffer(bytes: [0x30, 0x01])) }
    }

    @Test func `a return or a finish without a lease names the field`() throws {
        for error in [
            try #require(throws: WireError.self) { try TaskReturn.decode(ByteBuffer()) },
            try #require(throws: WireError.self) { try TaskFinish.decode(ByteBuffer()) },
        ] { #expect(error.schedulerError.violations.map(\.field) == ["lease"]) }
    }

    @Test func `times at the ends of protobuf's range are read, past them refused`() throws {
        let first = Timestamp(seconds: -62_135_596_800, nanoseconds: 0)
        let last = Timestamp(seconds: 253_402_300_799, nanoseconds: 999_999_000)
        for time in [first, last] { #expect(try Timestamp.decode(time.encoded()) == time) }
        for time in [
            Timestamp(microseconds: first.microseconds - 1), Timestamp(microseconds: last.microseconds + 1),
        ] { #expect(throws: WireError.self) { try Timestamp.decode(time.encoded()) } }
        let negativeNanoseconds = ByteBuffer(bytes: [0x10] + Array(repeating: 0xff, count: 9) + [0x01])
        #expect(throws: WireError.self) { try Timestamp.decode(negativeNanoseconds) }
    }

    @Test func `an overview that counts past 64 bits is refused, not added up`() {
        let most: [UInt8] = Array(repeating: 0xff, count: 9) + [0x01]
        #expect(throws: WireError.self) {
            try QueueOverview.decode(ByteBuffer(bytes: [0x10] + most + [0x18, 0x01]))
        }
        #expect(throws: WireError.self) {
            try QueueOverview.decode(ByteBuffer(bytes: [0x10] + most + [0x20, 0x01]))
        }
    }

    @Test func `a message that would take far more memory than its size is refused`() {
        // Two bytes each: an empty LeaseRef.
        let bomb = ByteBuffer(bytes: (0..<(2 << 20)).flatMap { _ in [0x32, 0x00] as [UInt8] })
        #expect(throws: WireError.tooComplex) { try NextRequest.decode(bomb) }
        #expect(WireError.tooComplex.schedulerError.reason == .limitBody)
    }

    @Test func `as much metadata as may be is read, an entry or a byte more is refused`() throws {
        func envelope(entries: Int, bytes: Int) -> RequestEnvelope {
            var entries = Array(repeating: MetadataEntry(key: "k", value: ""), count: entries)
            entries[0].value = String(repeating: "v", count: bytes - entries.count)
            return RequestEnvelope(service: "s", method: "m", payload: ByteBuffer(), metadata: entries)
        }
        let (entriesMax, bytesMax) = (Limits.RPC.metadataEntriesMax, Limits.RPC.metadataBytesMax)
        let most = envelope(entries: entriesMax, bytes: bytesMax)
        #expect(try RequestEnvelope.decode(most.encoded()) == most)
        for (entries, bytes) in [(entriesMax + 1, bytesMax), (entriesMax, bytesMax + 1)] {
            let error = #expect(throws: WireError.self) {
                try RequestEnvelope.decode(envelope(entries: entries, bytes: bytes).encoded())
            }
            #expect(error?.schedulerError.reason == .limitBody)
        }
    }

    @Test func `honest messages of the largest size are read`() throws {
        let lease = LeaseReference(taskID: TaskID("0123456789abcdef"), token: "0123456789abcdef")
        let acks = NextRequest(acks: Array(repeating: lease, count: 100_000))
        #expect(try NextRequest.decode(acks.encoded()) == acks)

        let answer = NextAnswer(tasks: Array(repeating: ExpectedMessages.minimal, count: 1000))
        #expect(try NextAnswer.decode(answer.encoded()) == answer)

        let payload = ByteBuffer(repeating: 0x78, count: FrameLimits.dataBytesMax)
        let response = ResponseEnvelope(payload: payload)
        #expect(try ResponseEnvelope.decode(response.encoded()) == response)
    }

    @Test(arguments: [0, 1, 1023, 1024, 1025, 4096, 1 << 20])
    func `parameters of any size go round`(size: Int) throws {
        var record = ExpectedMessages.minimal
        record.parameters = ByteBuffer(repeating: 0x20, count: size)
        #expect(try TaskRecord.decode(record.encoded()) == record)
    }
}

/// A small generator of noise with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
