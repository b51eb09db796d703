public import DMSModel

/// `dms.v1.SetPriorityRequest`.
public struct SetPriorityRequest: Sendable, Equatable, WireMessage {
    /// Field `task_id`: the queued task to move.
    public var taskID: TaskID
    /// Field `priority`: the queue whose end the task moves to; where it waits there already, it keeps its place.
    public var priority: Priority

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .setPriorityRequest }

    /// A change of one task's priority.
    public init(taskID: TaskID, priority: Priority) {
        self.taskID = taskID
        self.priority = priority
    }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        taskID = TaskID(try fields.string(1))
        priority = try fields.enumeration(2)
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.enumeration(2, priority)
    }
}

/// `dms.v1.BlockRequest`.
public struct BlockRequest: Sendable, Equatable, WireMessage {
    /// Field `blocked`: true closes the queues for new submissions, false opens them.
    public var blocked: Bool
    /// Field `reason`: why, for people; nil takes the earlier reason away.
    public var reason: String?

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .blockRequest }

    /// Sets the flag; by default without a reason.
    public init(blocked: Bool, reason: String? = nil) {
        self.blocked = blocked
        self.reason = reason
    }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        blocked = fields.bool(1)
        reason = try fields.optionalString(2)
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.bool(1, blocked)
        fields.optionalString(2, reason)
    }
}

/// `dms.v1.ResumeRequest`.
public struct ResumeRequest: Sendable, Equatable, WireMessage {
    /// Nil: the block's reason stays.
    public var reason: String?

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .resumeRequest }

    /// Opens the queues; by default the block's reason stays.
    public init(reason: String? = nil) { self.reason = reason }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { reason = try fields.optionalString(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.optionalString(1, reason) }
}

/// `dms.v1.GetBlockRequest`.
public struct GetBlockRequest: Sendable, Equatable, WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .getBlockRequest }

    /// The message has no fields.
    public init() {}

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {}

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {}
}

/// `dms.v1.BlockState`.
extension BlockState: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .blockState }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            blocked: fields.bool(1), reason: try fields.optionalString(2), updatedAt: try fields.message(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.bool(1, blocked)
        fields.optionalString(2, reason)
        fields.message(3, updatedAt)
    }
}
