public import DMSModel

/// What Redis holds at one moment.
public struct StoreSnapshot: Sendable, Equatable {
    /// The three queues, head first.
    public var queues: [Priority: [String]] = [:]
    /// Their indices of positions, in order.
    public var positions: [Priority: [String]] = [:]
    /// Their marks.
    public var marks: [Priority: Set<String>] = [:]
    /// Every known id.
    public var index: Set<String> = []
    /// Every id by the microseconds of its `enqueued_at`.
    public var enqueued: [String: Int64] = [:]
    /// Known ids that the order leaves out.
    public var leftOut: Set<String> = []
    /// Ids that stand in no queue because their records can't be read.
    public var setAside: Set<String> = []
    /// Ids that have a holder: under a lease, or acknowledged.
    public var leased: Set<String> = []
    /// The counters.
    public var counters = Counters(queued: 0, dispatched: 0, canceled: 0, completed: 0, failed: 0, requeued: 0)
    /// The records, by id.
    public var records: [String: StoredRecord] = [:]

    /// A Redis with nothing in it.
    public init() {}
}

/// A record as it is kept.
public struct StoredRecord: Sendable, Equatable {
    /// The task as the record has it; `token` is the lease's.
    public var task: SeenTask
    /// Its `enqueued_at` in microseconds.
    public var enqueuedAt: Int64

    /// A record that was read.
    public init(task: SeenTask, enqueuedAt: Int64) {
        self.task = task
        self.enqueuedAt = enqueuedAt
    }

    /// Whether nothing can become of it any more.
    var isFinal: Bool {
        switch task.status {
        case .completed, .failed, .canceled: true
        case .queued, .dispatched: false
        }
    }
}

/// The writes to one task's record, in the order in which Redis did them.
public struct Trail: Sendable, Equatable {
    /// How often it went from queued to dispatched.
    public var dispatched = 0
    /// How often it went back as if it had never been taken.
    public var undelivered = 0
    /// How often it went back otherwise.
    public var requeued = 0

    /// A task that was only submitted, unless counts are given.
    public init(dispatched: Int = 0, undelivered: Int = 0, requeued: Int = 0) {
        self.dispatched = dispatched
        self.undelivered = undelivered
        self.requeued = requeued
    }

    /// Follows one write.
    public mutating func follow(from old: StoredRecord, to new: StoredRecord) {
        switch (old.task.status, new.task.status) {
        case (.queued, .dispatched): dispatched += 1
        case (.dispatched, .queued):
            if new.task.attempt < old.task.attempt { undelivered += 1 } else { requeued += 1 }
        default: break
        }
    }
}
