public import NIOCore

/// What a submission says; the scheduler adds the rest of the record.
public struct TaskSubmission: Sendable, Equatable {
    /// The new task's id; refused where a task has it already.
    public var taskID: TaskID
    /// The service that the task is to belong to, 1 to 256 bytes of UTF-8.
    public var service: String
    /// The user whom the task is to belong to, 1 to 256 bytes of UTF-8.
    public var userID: String
    /// A JSON object as UTF-8 text, kept byte for byte.
    public var parameters: ByteBuffer
    /// The queue that the task joins at the end.
    public var priority: Priority

    /// A submission of one task; of low priority unless another is given.
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
    /// The task to cancel.
    public var taskID: TaskID
    /// The service that the task belongs to, 1 to 256 bytes of UTF-8.
    public var service: String
    /// The user whom the task belongs to, 1 to 256 bytes of UTF-8.
    public var userID: String

    /// A cancellation in the name of that service and user.
    public init(taskID: TaskID, service: String, userID: String) {
        self.taskID = taskID
        self.service = service
        self.userID = userID
    }
}

/// The proof that a task was handed to somebody.
public struct LeaseReference: Sendable, Equatable {
    /// The task that was handed out.
    public var taskID: TaskID
    /// Empty for a task that was handed out without a lease.
    public var token: String

    /// The proof for one task; the token is empty where it came without a lease.
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
    /// The caller's name for itself; empty where it gives none.
    public var submitterID: String
    /// Where set, a repetition of the request gets the same answer; empty: none.
    public var requestID: String
    /// Acknowledgements of earlier tasks, done before the call waits.
    public var acks: [LeaseReference]

    /// A request for one task, at once and without a lease, except for what is given.
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
