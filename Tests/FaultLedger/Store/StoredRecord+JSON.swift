public import DMSModel
public import NIOCore

extension StoredRecord {
    /// Reads a record's text; nil where it is none.
    public init?(json: ByteBuffer) {
        guard let leased = LeasedTask(json: json, leasedAt: Timestamp(microseconds: 0)) else { return nil }
        self.init(
            task: SeenTask(leased.record, token: leased.leaseToken),
            enqueuedAt: leased.record.enqueuedAt.microseconds)
    }
}

extension SeenTask {
    /// The task as a record of either door has it.
    public init(_ record: TaskRecord, token: String = "", leaseEndsAt: Int64? = nil) {
        self.init(
            task: record.taskID.text, user: record.userID, parameters: String(buffer: record.parameters),
            priority: record.priority, status: record.status, attempt: Int(record.attempt),
            fetchedBy: record.submitterID, text: SeenTask.text(of: record), token: token, leaseEndsAt: leaseEndsAt)
    }

    /// What came of it; of a failure the error, whose result must say the same.
    private static func text(of record: TaskRecord) -> String {
        let result = record.result.map { String(buffer: $0) }
        guard record.status == .failed, let error = record.error else { return result ?? record.error ?? "" }
        return result == "\"\(error)\"" || result == error ? error : "\(error), but \(result ?? "no result")"
    }
}
