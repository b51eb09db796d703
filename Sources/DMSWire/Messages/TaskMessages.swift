public import DMSModel
import NIOCore

/// `dms.v1.Task`.
extension TaskRecord: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .task }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        let status = try fields.enumeration(6, as: TaskStatus.self)
        // No JSON text is empty: a task need not have a result.
        let result = fields.bytes(11)
        self.init(
            taskID: TaskID(try fields.string(1)), service: try fields.string(2), userID: try fields.string(3),
            parameters: fields.bytes(4), priority: try fields.enumeration(5), status: status,
            enqueuedAt: try fields.requiredMessage(7), updatedAt: try fields.requiredMessage(8),
            attempt: fields.uint32(9), submitterID: try fields.string(10),
            result: result.readableBytes > 0 ? result : nil,
            error: status == .failed ? try fields.string(12) : nil)
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.string(2, service)
        fields.string(3, userID)
        fields.bytes(4, parameters)
        fields.enumeration(5, priority)
        fields.enumeration(6, status)
        fields.message(7, enqueuedAt)
        fields.message(8, updatedAt)
        fields.uint32(9, attempt)
        fields.string(10, submitterID)
        if let result { fields.bytes(11, result) }
        if let error { fields.string(12, error) }
    }
}

/// `dms.v1.QueuePosition`.
extension QueuePosition: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .queuePosition }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            priority: try fields.enumeration(1), positionInPriority: fields.uint64(2),
            globalPosition: fields.uint64(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.enumeration(1, priority)
        fields.uint64(2, positionInPriority)
        fields.uint64(3, globalPosition)
    }
}

/// `dms.v1.QueueOverview`.
extension QueueOverview: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .queueOverview }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(high: fields.uint64(2), mid: fields.uint64(3), low: fields.uint64(4))
        // The total is what the three add up to; what the sender says of it is not asked.
        let (some, isTooMany) = high.addingReportingOverflow(mid)
        guard !isTooMany, !some.addingReportingOverflow(low).overflow else {
            throw .malformed("A queue overview counts more tasks than 64 bits can")
        }
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.uint64(1, total)
        fields.uint64(2, high)
        fields.uint64(3, mid)
        fields.uint64(4, low)
    }
}

/// `dms.v1.TaskSummary`.
extension TaskSummary: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .taskSummary }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            record: try fields.requiredMessage(1), queuePosition: try fields.message(2),
            overview: try fields.requiredMessage(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, record)
        fields.message(2, queuePosition)
        fields.message(3, overview)
    }
}

/// `dms.v1.Stats`.
extension Statistics: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .stats }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            queued: fields.uint64(1), dispatched: fields.uint64(2), canceled: fields.uint64(3),
            lastUpdated: try fields.message(4), overview: try fields.requiredMessage(5), completed: fields.uint64(6),
            failed: fields.uint64(7), requeued: fields.uint64(8), leased: fields.uint64(9),
            waitingSubmitters: fields.uint64(10), oldestQueuedAt: try fields.message(11))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.uint64(1, queued)
        fields.uint64(2, dispatched)
        fields.uint64(3, canceled)
        fields.message(4, lastUpdated)
        fields.message(5, overview)
        fields.uint64(6, completed)
        fields.uint64(7, failed)
        fields.uint64(8, requeued)
        fields.uint64(9, leased)
        fields.uint64(10, waitingSubmitters)
        fields.message(11, oldestQueuedAt)
    }
}
