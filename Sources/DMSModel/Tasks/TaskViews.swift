/// Where a queued task stands; positions count from 1.
public struct QueuePosition: Sendable, Equatable {
    /// The queue that the task waits in.
    public var priority: Priority
    /// The place in the task's own queue; 1 is handed out next from it.
    public var positionInPriority: UInt64
    /// The place among all queued tasks in the order of hand-out; 1 is handed out next.
    public var globalPosition: UInt64

    /// A place in the queues; both positions count from 1.
    public init(priority: Priority, positionInPriority: UInt64, globalPosition: UInt64) {
        self.priority = priority
        self.positionInPriority = positionInPriority
        self.globalPosition = globalPosition
    }
}

/// How many tasks are queued.
public struct QueueOverview: Sendable, Equatable {
    /// Queued tasks of high priority.
    public var high: UInt64
    /// Queued tasks of mid priority.
    public var mid: UInt64
    /// Queued tasks of low priority.
    public var low: UInt64

    /// Queued tasks of all three priorities.
    public var total: UInt64 { high + mid + low }

    /// The three queues' lengths.
    public init(high: UInt64, mid: UInt64, low: UInt64) {
        self.high = high
        self.mid = mid
        self.low = low
    }
}

/// A task, where it stands, and the queues around it, read in one step.
public struct TaskSummary: Sendable, Equatable {
    /// The task as it was at that moment.
    public var record: TaskRecord
    /// Nil unless the task is queued.
    public var queuePosition: QueuePosition?
    /// The queues' lengths at that moment.
    public var overview: QueueOverview

    /// A summary; the position is nil unless the task is queued.
    public init(record: TaskRecord, queuePosition: QueuePosition?, overview: QueueOverview) {
        self.record = record
        self.queuePosition = queuePosition
        self.overview = overview
    }
}

/// Counters since the beginning, and the queues as they are now.
public struct Statistics: Sendable, Equatable {
    /// Submissions, since the beginning; a task that returns to its queue is not counted again.
    public var queued: UInt64
    /// Hand-outs, since the beginning.
    public var dispatched: UInt64
    /// Cancellations, since the beginning.
    public var canceled: UInt64
    /// When a counter changed last; nil where nothing ever happened.
    public var lastUpdated: Timestamp?
    /// The queues' lengths, now.
    public var overview: QueueOverview
    /// Tasks that were finished with success, since the beginning.
    public var completed: UInt64
    /// Tasks that were finished with an error, since the beginning.
    public var failed: UInt64
    /// Leases that ended, and returns.
    public var requeued: UInt64
    /// Tasks under a lease, now.
    public var leased: UInt64
    /// Calls that wait for a task, now, at the server that answers.
    public var waitingSubmitters: UInt64
    /// When the oldest queued task was enqueued; nil where none is queued, or the server does not say.
    public var oldestQueuedAt: Timestamp?
    /// Tasks that stand in no queue because their records can't be read or are too large, now.
    public var setAside: UInt64

    /// Statistics; what an earlier record does not count is 0 or nil by default.
    public init(
        queued: UInt64, dispatched: UInt64, canceled: UInt64, lastUpdated: Timestamp?, overview: QueueOverview,
        completed: UInt64 = 0, failed: UInt64 = 0, requeued: UInt64 = 0, leased: UInt64 = 0,
        waitingSubmitters: UInt64 = 0, oldestQueuedAt: Timestamp? = nil, setAside: UInt64 = 0
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
        self.setAside = setAside
    }
}

/// Whether an admin has closed the queues for new submissions.
public struct BlockState: Sendable, Equatable {
    /// Whether new submissions are refused.
    public var blocked: Bool
    /// Why the queues were closed or opened, for people; nil where nobody said.
    public var reason: String?
    /// Nil where the flag was never set.
    public var updatedAt: Timestamp?

    /// The flag as it is kept; all but `blocked` is nil where it was never set.
    public init(blocked: Bool, reason: String?, updatedAt: Timestamp?) {
        self.blocked = blocked
        self.reason = reason
        self.updatedAt = updatedAt
    }
}

/// What a `Next` hands out: best priority first, oldest first within each; no task at all is an answer too.
public struct NextAnswer: Sendable, Equatable {
    /// The tasks in the order of hand-out, each with its lease where it has one.
    public var leasedTasks: [LeasedTask]
    /// One for each acknowledgement that came with the request.
    public var acks: [LeaseOutcome]

    /// The tasks, without what is known of their leases.
    public var tasks: [TaskRecord] { leasedTasks.map(\.record) }

    /// An answer with these tasks; by default without outcomes of acknowledgements.
    public init(leasedTasks: [LeasedTask], acks: [LeaseOutcome] = []) {
        self.leasedTasks = leasedTasks
        self.acks = acks
    }

    /// Tasks that are handed out without a lease.
    public init(tasks: [TaskRecord]) { self.init(leasedTasks: tasks.map { LeasedTask($0) }) }
}
