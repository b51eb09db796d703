public import DMSModel

/// `dms.v1.SetPriorityRequest`.
public struct SetPriorityRequest: Sendable, Equatable, WireMessage {
    public var taskID: TaskID
    public var priority: Priority

    public static var descriptor: MessageDescriptor { .setPriorityRequest }

    public init(taskID: TaskID, priority: Priority) {
        self.taskID = taskID
        self.priority = priority
    }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        taskID = TaskID(try fields.string(1))
        priority = try fields.enumeration(2)
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.enumeration(2, priority)
    }
}

/// `dms.v1.BlockRequest`.
public struct BlockRequest: Sendable, Equatable, WireMessage {
    public var blocked: Bool
    public var reason: String?

    public static var descriptor: MessageDescriptor { .blockRequest }

    public init(blocked: Bool, reason: String? = nil) {
        self.blocked = blocked
        self.reason = reason
    }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        blocked = fields.bool(1)
        reason = try fields.optionalString(2)
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.bool(1, blocked)
        fields.optionalString(2, reason)
    }
}

/// `dms.v1.ResumeRequest`.
public struct ResumeRequest: Sendable, Equatable, WireMessage {
    /// Nil: the block's reason stays.
    public var reason: String?

    public static var descriptor: MessageDescriptor { .resumeRequest }

    public init(reason: String? = nil) { self.reason = reason }

    public init(from fields: borrowing MessageReader) throws(WireError) { reason = try fields.optionalString(1) }

    public func write(to fields: borrowing MessageWriter) { fields.optionalString(1, reason) }
}

/// `dms.v1.GetBlockRequest`.
public struct GetBlockRequest: Sendable, Equatable, WireMessage {
    public static var descriptor: MessageDescriptor { .getBlockRequest }

    public init() {}

    public init(from fields: borrowing MessageReader) throws(WireError) {}

    public func write(to fields: borrowing MessageWriter) {}
}

/// `dms.v1.BlockState`.
extension BlockState: WireMessage {
    public static var descriptor: MessageDescriptor { .blockState }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            blocked: fields.bool(1), reason: try fields.optionalString(2), updatedAt: try fields.message(3))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.bool(1, blocked)
        fields.optionalString(2, reason)
        fields.message(3, updatedAt)
    }
}
