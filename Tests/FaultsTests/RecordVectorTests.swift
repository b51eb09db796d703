import DMSModel
import FaultLedger
import NIOCore
import TestSupport
import Testing

/// The records of `Tests/Vectors`, as the ledger reads them.
@Suite struct LedgerVectorTests {
    @Test func `the ledger reads each record as its own form, or not at all`() throws {
        for vector in try RecordVector.all() {
            let record = StoredRecord(json: ByteBuffer(bytes: vector.bytes)).flatMap {
                TaskID($0.task.task) == TaskID(vector.id) ? $0 : nil
            }
            #expect(record == vector.form.flatMap { StoredRecord(json: ByteBuffer(string: $0)) }, "\(vector)")
        }
    }
}
