import DMSModel
import NIOCore
import TestSupport
import Testing

/// The records of `Tests/Vectors`, which the scripts and the fault ledger read as well.
@Suite struct RecordVectorTests {
    @Test func `each record reads as its own form does, or not at all`() throws {
        let vectors = try RecordVector.all()
        #expect(vectors.count > 50)
        for vector in vectors {
            let text = ByteBuffer(bytes: vector.bytes)
            let record = TaskRecord(json: text).flatMap { $0.taskID == TaskID(vector.id) ? $0 : nil }
            #expect((record != nil) == (vector.form != nil), "\(vector)")
            guard let form = vector.form.map({ ByteBuffer(string: $0) }) else { continue }
            #expect(record == TaskRecord(json: form), "\(vector)")
            let start = Timestamp(microseconds: 1)
            #expect(LeasedTask(json: text, leasedAt: start) == LeasedTask(json: form, leasedAt: start), "\(vector)")
        }
    }
}
