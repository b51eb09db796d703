public import NIOCore

/// A task as it is kept, and as both doors show it.
public struct TaskRecord: Sendable, Equatable {
    /// The id that the task was submitted under; unique among all tasks.
    public var taskID: TaskID
    /// The service that the task belongs to, 1 to 256 bytes of UTF-8.
    public var service: String
    /// The user whom the task belongs to, 1 to 256 bytes of UTF-8.
    public var userID: String
    /// A JSON object as UTF-8 text, byte for byte as it was submitted.
    public var parameters: ByteBuffer
    /// Which of the three queues the task belongs to.
    public var priority: Priority
    /// How far the task has come.
    public var status: TaskStatus
    /// When the task was submitted; a task that returns to its queue keeps it.
    public var enqueuedAt: Timestamp
    /// When the record changed last.
    public var updatedAt: Timestamp
    /// Times handed out.
    public var attempt: UInt32
    /// Who it was handed out to last; empty where nobody gave a name.
    public var submitterID: String
    /// What came of it, a JSON text; only of a completed or failed task.
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
