public import DMSModel

/// `dms.v1.EnqueueRequest`.
extension TaskSubmission: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .enqueueRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            taskID: TaskID(try fields.string(1)), service: try fields.string(2), userID: try fields.string(3),
            parameters: fields.bytes(4), priority: try fields.enumeration(5))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.string(2, service)
        fields.string(3, userID)
        fields.bytes(4, parameters)
        fields.enumeration(5, priority)
    }
}

/// `dms.v1.GetTaskRequest`.
public struct GetTaskRequest: Sendable, Equatable, WireMessage {
    /// Field `task_id`: the task to read.
    public var taskID: TaskID

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .getTaskRequest }

    /// Asks for one task.
    public init(taskID: TaskID) { self.taskID = taskID }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        taskID = TaskID(try fields.string(1))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.string(1, taskID.text) }
}

/// `dms.v1.CancelTaskRequest`.
extension TaskCancellation: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .cancelTaskRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            taskID: TaskID(try fields.string(1)), service: try fields.string(2), userID: try fields.string(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.string(2, service)
        fields.string(3, userID)
    }
}

/// `dms.v1.ListTasksRequest`.
extension TaskQuery: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .listTasksRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            pageSize: fields.uint32(1), pageToken: try fields.string(2), statuses: try fields.enumerations(3),
            priorities: try fields.enumerations(4), service: try fields.string(5), userID: try fields.string(6),
            newestFirst: fields.bool(7))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.uint32(1, pageSize)
        fields.string(2, pageToken)
        fields.enumerations(3, statuses)
        fields.enumerations(4, priorities)
        fields.string(5, service)
        fields.string(6, userID)
        fields.bool(7, newestFirst)
    }
}

/// `dms.v1.ListTasksResponse`.
extension TaskPage: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .listTasksResponse }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(tasks: try fields.messages(1), nextPageToken: try fields.string(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.messages(1, tasks)
        fields.string(2, nextPageToken)
    }
}

/// `dms.v1.OverviewRequest`.
public struct OverviewRequest: Sendable, Equatable, WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .overviewRequest }

    /// The message has no fields.
    public init() {}

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {}

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {}
}

/// `dms.v1.GetStatsRequest`.
public struct GetStatsRequest: Sendable, Equatable, WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .getStatsRequest }

    /// The message has no fields.
    public init() {}

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {}

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {}
}
