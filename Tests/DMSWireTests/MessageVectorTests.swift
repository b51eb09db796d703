import DMSModel
import DMSWire
import NIOCore
import Testing

@Suite struct MessageVectorTests {
    @Test func `every vector has a value, and every value a vector`() throws {
        let vectors = try MessageVector.all().map(\.name)
        #expect(Set(vectors) == Set(ExpectedMessages.all.keys))
        #expect(vectors.count == Set(vectors).count)
    }

    @Test func `every message is read from the bytes of another encoder`() throws {
        for vector in try MessageVector.all() {
            let value = try #require(ExpectedMessages.all[vector.name])
            try expectReads(try vector.bytes, as: value, vector)
        }
    }

    @Test func `every message is written as another encoder writes it`() throws {
        for vector in try MessageVector.all() where !vector.readOnly {
            let value = try #require(ExpectedMessages.all[vector.name])
            #expect(value.encoded().hexDump(format: .compact) == vector.hex, "\(vector.name)")
        }
    }

    @Test func `a message written behind other bytes leaves them alone`() throws {
        var buffer = ByteBuffer(string: "before")
        ExpectedMessages.full.encode(into: &buffer)
        #expect(buffer.readString(length: 6) == "before")
        #expect(try TaskRecord.decode(buffer) == ExpectedMessages.full)
    }

    @Test func `an answer packed with its envelope is the envelope around the packed answer`() throws {
        for value in ExpectedMessages.all.values { expectSameEnvelope(value) }
    }

    private func expectSameEnvelope(_ value: some WireMessage) {
        #expect(AnswerEnvelope(value).encoded() == ResponseEnvelope(payload: value.encoded()).encoded())
    }

    private func expectReads<Value: WireMessage & Equatable>(
        _ bytes: ByteBuffer, as value: Value, _ vector: MessageVector
    ) throws {
        #expect(Value.descriptor.name == vector.message, "\(vector.name)")
        #expect(try Value.decode(bytes) == value, "\(vector.name)")
    }
}
