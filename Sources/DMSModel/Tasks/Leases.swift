public import NIOCore

/// A task that was handed out, and the proof of it where it came under a lease.
public struct LeasedTask: Sendable, Equatable {
    /// The task as it was when it was handed out.
    public var record: TaskRecord
    /// The holder's proof; empty where the task came without a lease.
    public var leaseToken: String
    /// When the lease ends; nil where the task came without one.
    public var leaseExpiresAt: Timestamp?

    /// A task that was handed out; without a lease unless token and end are given.
    public init(_ record: TaskRecord, leaseToken: String = "", leaseExpiresAt: Timestamp? = nil) {
        self.record = record
        self.leaseToken = leaseToken
        self.leaseExpiresAt = leaseExpiresAt
    }
}

/// What became of one lease of an acknowledgement or a renewal.
public struct LeaseOutcome: Sendable, Equatable {
    /// The task that the lease is of.
    public var taskID: TaskID
    /// Why nothing was changed; nil where it was.
    public var error: SchedulerError?
    /// The task was canceled meanwhile: its holder is to wind down.
    public var isCanceled: Bool
    /// When the lease ends now; nil where there is none.
    public var leaseExpiresAt: Timestamp?

    /// The outcome for one task; by default a success without a lease end.
    public init(
        taskID: TaskID, error: SchedulerError? = nil, isCanceled: Bool = false, leaseExpiresAt: Timestamp? = nil
    ) {
        self.taskID = taskID
        self.error = error
        self.isCanceled = isCanceled
        self.leaseExpiresAt = leaseExpiresAt
    }
}

/// Asks for leases to be extended.
public struct LeaseRenewal: Sendable, Equatable {
    /// The leases to extend; each gets an outcome of its own.
    public var leases: [LeaseReference]
    /// How long from now; 0: as long as the lease was.
    public var leaseMilliseconds: UInt32

    /// A renewal of these leases; by default for as long as each was.
    public init(leases: [LeaseReference], leaseMilliseconds: UInt32 = 0) {
        self.leases = leases
        self.leaseMilliseconds = leaseMilliseconds
    }
}

/// Gives a task back to its place in its queue.
public struct TaskReturn: Sendable, Equatable {
    /// The proof of being the task's holder.
    public var lease: LeaseReference
    /// Why the task is given back, for people; nil where the holder does not say.
    public var reason: String?

    /// The return of one task; by default without a reason.
    public init(lease: LeaseReference, reason: String? = nil) {
        self.lease = lease
        self.reason = reason
    }
}

/// Says how a task ended.
public struct TaskFinish: Sendable, Equatable {
    /// The proof of being the task's holder.
    public var lease: LeaseReference
    /// Whether the task ends as completed; false ends it as failed.
    public var succeeded: Bool
    /// A JSON text; empty where there is none.
    public var result: ByteBuffer
    /// A text for people; only where the task failed.
    public var error: String

    /// The end of one task; by default with neither a result nor an error.
    public init(lease: LeaseReference, succeeded: Bool, result: ByteBuffer = ByteBuffer(), error: String = "") {
        self.lease = lease
        self.succeeded = succeeded
        self.result = result
        self.error = error
    }
}
