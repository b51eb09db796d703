public import NIOCore

/// A task that was handed out, and the proof of it where it came under a lease.
public struct LeasedTask: Sendable, Equatable {
    public var record: TaskRecord
    /// The holder's proof; empty where the task came without a lease.
    public var leaseToken: String
    /// When the lease ends; nil where the task came without one.
    public var leaseExpiresAt: Timestamp?

    public init(_ record: TaskRecord, leaseToken: String = "", leaseExpiresAt: Timestamp? = nil) {
        self.record = record
        self.leaseToken = leaseToken
        self.leaseExpiresAt = leaseExpiresAt
    }
}

/// What became of one lease of an acknowledgement or a renewal.
public struct LeaseOutcome: Sendable, Equatable {
    public var taskID: TaskID
    /// Why nothing was changed; nil where it was.
    public var error: SchedulerError?
    /// The task was canceled meanwhile: its holder is to wind down.
    public var isCanceled: Bool
    /// When the lease ends now; nil where there is none.
    public var leaseExpiresAt: Timestamp?

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
    public var leases: [LeaseReference]
    /// How long from now; 0: as long as the lease was.
    public var leaseMilliseconds: UInt32

    public init(leases: [LeaseReference], leaseMilliseconds: UInt32 = 0) {
        self.leases = leases
        self.leaseMilliseconds = leaseMilliseconds
    }
}

/// Gives a task back to the head of its queue.
public struct TaskReturn: Sendable, Equatable {
    public var lease: LeaseReference
    public var reason: String?

    public init(lease: LeaseReference, reason: String? = nil) {
        self.lease = lease
        self.reason = reason
    }
}

/// Says how a task ended.
public struct TaskFinish: Sendable, Equatable {
    public var lease: LeaseReference
    public var succeeded: Bool
    /// A JSON text; only where the task succeeded.
    public var result: ByteBuffer
    /// A text for people; only where the task failed.
    public var error: String

    public init(lease: LeaseReference, succeeded: Bool, result: ByteBuffer = ByteBuffer(), error: String = "") {
        self.lease = lease
        self.succeeded = succeeded
        self.result = result
        self.error = error
    }
}
