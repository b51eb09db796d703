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
            fetchedBy: record.submitterID, text: record.result.map { String(buffer: $0) } ?? record.error ?? "",
            token: token, leaseEndsAt: leaseEndsAt)
    }
}
