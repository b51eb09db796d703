public import NIOCore

/// What a submission says; the scheduler adds the rest of the record.
public struct TaskSubmission: Sendable, Equatable {
    public var taskID: TaskID
    public var service: String
    public var userID: String
    /// A JSON object as UTF-8 text, kept byte for byte.
    public var parameters: ByteBuffer
    public var priority: Priority

    public init(taskID: TaskID, service: String, userID: String, parameters: ByteBuffer, priority: Priority = .low) {
        self.taskID = taskID
        self.service = service
        self.userID = userID
        self.parameters = parameters
        self.priority = priority
    }
}

/// Asks for a task to be canceled; `service` and `userID` must be the task's own.
public struct TaskCancellation: Sendable, Equatable {
    public var taskID: TaskID
    public var service: String
    public var userID: String

    public init(taskID: TaskID, service: String, userID: String) {
        self.taskID = taskID
        self.service = service
        self.userID = userID
    }
}

/// The proof that a task was handed to somebody.
public struct LeaseReference: Sendable, Equatable {
    public var taskID: TaskID
    /// Empty for a task that was handed out without a lease.
    public var token: String

    public init(taskID: TaskID, token: String) {
        self.taskID = taskID
        self.token = token
    }
}

/// Asks for the next tasks.
public struct NextRequest: Sendable, Equatable {
    /// From 1 to ``Limits/nextTasksMax``; 0 stands for 1.
    public var maxTasks: UInt32
    /// How long to wait for a task; 0 answers at once.
    public var waitMilliseconds: UInt32
    /// How long the lease is, from ``Limits/leaseMillisecondsMin`` to ``Limits/leaseMillisecondsMax``; 0: no lease.
    public var leaseMilliseconds: UInt32
    public var submitterID: String
    /// Where set, a repetition of the request gets the same answer; empty: none.
    public var requestID: String
    public var acks: [LeaseReference]

    public init(
        maxTasks: UInt32 = 1, waitMilliseconds: UInt32 = 0, leaseMilliseconds: UInt32 = 0, submitterID: String = "",
        requestID: String = "", acks: [LeaseReference] = []
    ) {
        self.maxTasks = maxTasks
        self.waitMilliseconds = waitMilliseconds
        self.leaseMilliseconds = leaseMilliseconds
        self.submitterID = submitterID
        self.requestID = requestID
        self.acks = acks
    }
}
