/// Where a queued task stands; positions count from 1.
public struct QueuePosition: Sendable, Equatable {
    public var priority: Priority
    public var positionInPriority: UInt64
    public var globalPosition: UInt64

    public init(priority: Priority, positionInPriority: UInt64, globalPosition: UInt64) {
        self.priority = priority
        self.positionInPriority = positionInPriority
        self.globalPosition = globalPosition
    }
}

/// How many tasks are queued.
public struct QueueOverview: Sendable, Equatable {
    public var high: UInt64
    public var mid: UInt64
    public var low: UInt64

    public var total: UInt64 { high + mid + low }

    public init(high: UInt64, mid: UInt64, low: UInt64) {
        self.high = high
        self.mid = mid
        self.low = low
    }
}

/// A task, where it stands, and the queues around it, read in one step.
public struct TaskSummary: Sendable, Equatable {
    public var record: TaskRecord
    /// Nil unless the task is queued.
    public var queuePosition: QueuePosition?
    public var overview: QueueOverview

    public init(record: TaskRecord, queuePosition: QueuePosition?, overview: QueueOverview) {
        self.record = record
        self.queuePosition = queuePosition
        self.overview = overview
    }
}

/// Counters since the beginning, and the queues as they are now.
public struct Statistics: Sendable, Equatable {
    public var queued: UInt64
    public var dispatched: UInt64
    public var canceled: UInt64
    /// When a counter changed last; nil where nothing ever happened.
    public var lastUpdated: Timestamp?
    public var overview: QueueOverview
    public var completed: UInt64
    public var failed: UInt64
    /// Leases that ended, and returns.
    public var requeued: UInt64
    /// Tasks under a lease, now.
    public var leased: UInt64
    /// Calls that wait for a task, now, at the server that answers.
    public var waitingSubmitters: UInt64
    /// When the oldest queued task was enqueued; nil where none is queued, or the server does not say.
    public var oldestQueuedAt: Timestamp?

    public init(
        queued: UInt64, dispatched: UInt64, canceled: UInt64, lastUpdated: Timestamp?, overview: QueueOverview,
        completed: UInt64 = 0, failed: UInt64 = 0, requeued: UInt64 = 0, leased: UInt64 = 0,
        waitingSubmitters: UInt64 = 0, oldestQueuedAt: Timestamp? = nil
    ) {
        self.queued = queued
        self.dispatched = dispatched
        self.canceled = canceled
        self.lastUpdated = lastUpdated
        self.overview = overview
        self.completed = completed
        self.failed = failed
        self.requeued = requeued
        self.leased = leased
        self.waitingSubmitters = waitingSubmitters
        self.oldestQueuedAt = oldestQueuedAt
    }
}

/// Whether an admin has closed the queues for new submissions.
public struct BlockState: Sendable, Equatable {
    public var blocked: Bool
    public var reason: String?
    /// Nil where the flag was never set.
    public var updatedAt: Timestamp?

    public init(blocked: Bool, reason: String?, updatedAt: Timestamp?) {
        self.blocked = blocked
        self.reason = reason
        self.updatedAt = updatedAt
    }
}

/// What a `Next` hands out: best priority first, oldest first within each; no task at all is an answer too.
public struct NextAnswer: Sendable, Equatable {
    public var leasedTasks: [LeasedTask]
    /// One for each acknowledgement that came with the request.
    public var acks: [LeaseOutcome]

    /// The tasks, without what is known of their leases.
    public var tasks: [TaskRecord] { leasedTasks.map(\.record) }

    public init(leasedTasks: [LeasedTask], acks: [LeaseOutcome] = []) {
        self.leasedTasks = leasedTasks
        self.acks = acks
    }

    /// Tasks that are handed out without a lease.
    public init(tasks: [TaskRecord]) { self.init(leasedTasks: tasks.map { LeasedTask($0) }) }
}
