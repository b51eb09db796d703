public import NIOCore

/// A task as it is kept, and as both doors show it.
public struct TaskRecord: Sendable, Equatable {
    public var taskID: TaskID
    public var service: String
    public var userID: String
    /// A JSON object as UTF-8 text, byte for byte as it was submitted.
    public var parameters: ByteBuffer
    public var priority: Priority
    public var status: TaskStatus
    public var enqueuedAt: Timestamp
    public var updatedAt: Timestamp
    /// Times handed out.
    public var attempt: UInt32
    /// Who it was handed out to last; empty where nobody gave a name.
    public var submitterID: String
    /// What came of it, a JSON text; only of a completed task.
    public var result: ByteBuffer?
    /// Why it failed, for people; only of a failed task.
    public var error: String?

    /// A record as a submission makes it: queued, never handed out.
    public init(
        taskID: TaskID, service: String, userID: String, parameters: ByteBuffer, priority: Priority,
        status: TaskStatus = .queued, enqueuedAt: Timestamp, updatedAt: Timestamp, attempt: UInt32 = 0,
        submitterID: String = "", result: ByteBuffer? = nil, error: String? = nil
    ) {
        self.taskID = taskID
        self.service = service
        self.userID = userID
        self.parameters = parameters
        self.priority = priority
        self.status = status
        self.enqueuedAt = enqueuedAt
        self.updatedAt = updatedAt
        self.attempt = attempt
        self.submitterID = submitterID
        self.result = result
        self.error = error
    }
}
