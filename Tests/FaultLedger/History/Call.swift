public import DMSModel

/// One attempt of one call, as its client saw it.
public struct Call: Sendable {
    /// Its place in the history; names it in reports.
    public var number: Int
    /// Who made it.
    public var client: Int
    /// The door that it went through.
    public var door: Door
    /// The life of a scheduler that it was sent to; see ``History/lives``.
    public var life: Int
    /// When it was about to be sent.
    public var invoked: Moment
    /// When its outcome was known to the client; nil where it never was.
    public var completed: Moment?
    /// What was asked for.
    public var operation: Question
    /// What came of it.
    public var outcome: Outcome

    /// A call that has no outcome yet.
    public init(
        number: Int, client: Int, door: Door, life: Int, invoked: Moment, operation: Question
    ) {
        self.number = number
        self.client = client
        self.door = door
        self.life = life
        self.invoked = invoked
        self.operation = operation
        outcome = .unknown("no answer when the run ended")
    }

    /// The two ways into a scheduler.
    public enum Door: String, Sendable {
        case binary
        case rest
    }
}

/// A moment of the run, by every clock that a rule asks.
public struct Moment: Sendable {
    /// Counts what happened, over all clients: a smaller one was there before a larger one.
    public var order: Int
    /// Seconds since the run began.
    public var seconds: Double
    /// What Redis's clock showed at least, in microseconds since 1970.
    public var redisAtLeast: Int64
    /// What Redis's clock showed at most.
    public var redisAtMost: Int64

    /// A moment by all its clocks.
    public init(order: Int, seconds: Double, redisAtLeast: Int64, redisAtMost: Int64) {
        self.order = order
        self.seconds = seconds
        self.redisAtLeast = redisAtLeast
        self.redisAtMost = redisAtMost
    }
}

/// What a call asks for, as far as a rule looks at it.
public enum Question: Sendable {
    case enqueue(Submission)
    case next(Fetch)
    case ack([Proof])
    case renew([Proof], milliseconds: Int)
    case giveBack(Proof)
    case finish(Proof, Ending)
    case cancel(task: String)
    case setPriority(task: String, Priority)
    case get(task: String)
    /// All pages of a list of one user's tasks.
    case list(user: String)
    case statistics
    case block(Bool)
}

/// A task as it was submitted.
public struct Submission: Sendable, Equatable {
    /// Its id.
    public var task: String
    /// Whose it is.
    public var user: String
    /// Its JSON text.
    public var parameters: String
    /// Its queue at first.
    public var priority: Priority

    /// A submission; the service is the same for all.
    public init(task: String, user: String, parameters: String, priority: Priority) {
        self.task = task
        self.user = user
        self.parameters = parameters
        self.priority = priority
    }
}

/// A `Next`.
public struct Fetch: Sendable, Equatable {
    /// The submitter's name, which no other `Next` has but its repetitions: a record says by it which call took the task.
    public var name: String
    /// Whether it may be repeated, and is given the same answer then.
    public var isRepeatable: Bool
    /// How many tasks at most.
    public var tasksMax: Int
    /// The leases' length; 0 without leases.
    public var leaseMilliseconds: Int
    /// What it acknowledges on the way.
    public var acks: [Proof]

    /// A fetch of one submitter.
    public init(name: String, isRepeatable: Bool, tasksMax: Int, leaseMilliseconds: Int, acks: [Proof] = []) {
        self.name = name
        self.isRepeatable = isRepeatable
        self.tasksMax = tasksMax
        self.leaseMilliseconds = leaseMilliseconds
        self.acks = acks
    }
}

/// A task and the token that it came with; empty where it came without a lease.
public struct Proof: Sendable, Hashable {
    /// The task's id.
    public var task: String
    /// The lease's token.
    public var token: String

    /// The proof of one hand-out.
    public init(task: String, token: String) {
        self.task = task
        self.token = token
    }
}

/// How a task is finished; no two tasks are finished with one text.
public struct Ending: Sendable, Hashable {
    /// Completed, or failed.
    public var succeeded: Bool
    /// The result's JSON or the error.
    public var text: String

    /// An ending with its text.
    public init(succeeded: Bool, text: String) {
        self.succeeded = succeeded
        self.text = text
    }

    /// The status that it gives a task.
    public var status: TaskStatus { succeeded ? .completed : .failed }
}

/// What came of a call.
public enum Outcome: Sendable {
    /// It was done, and answered with this.
    case done(Answer)
    /// It was refused for what the task is, or for a rule; nothing was done.
    case refused(SchedulerError.Reason)
    /// It could not be done, and the server, or the client, is sure that nothing was done.
    case notDone(String)
    /// It may have been done, or may be yet.
    case unknown(String)
}

/// What a call that was done was answered with.
public enum Answer: Sendable {
    case nothing
    case task(SeenTask)
    case tasks([SeenTask], acks: [ProofOutcome])
    case outcomes([ProofOutcome])
    case ids([String])
    case counters(Counters)
}

/// A task as an answer showed it.
public struct SeenTask: Sendable, Equatable {
    /// Its id.
    public var task: String
    /// Whose it is.
    public var user: String
    /// Its JSON text.
    public var parameters: String
    /// Its queue.
    public var priority: Priority
    /// How far it has come.
    public var status: TaskStatus
    /// How often it was handed out.
    public var attempt: Int
    /// The name of who fetched it last.
    public var fetchedBy: String
    /// The result's JSON or the error; empty where it has none.
    public var text: String
    /// The lease's token; empty where the answer is no hand-out, or without a lease.
    public var token: String
    /// When the lease ends, by Redis's clock.
    public var leaseEndsAt: Int64?

    /// A task as it was shown.
    public init(
        task: String, user: String, parameters: String, priority: Priority, status: TaskStatus, attempt: Int,
        fetchedBy: String = "", text: String = "", token: String = "", leaseEndsAt: Int64? = nil
    ) {
        self.task = task
        self.user = user
        self.parameters = parameters
        self.priority = priority
        self.status = status
        self.attempt = attempt
        self.fetchedBy = fetchedBy
        self.text = text
        self.token = token
        self.leaseEndsAt = leaseEndsAt
    }
}

/// What became of one proof of an `Ack` or `Renew`.
public struct ProofOutcome: Sendable, Equatable {
    /// The task that the outcome names.
    public var task: String
    /// What came of it.
    public var kind: Kind
    /// When the lease ends now.
    public var leaseEndsAt: Int64?

    /// The ways that it may go.
    public enum Kind: Sendable, Equatable {
        case done
        case canceled
        case refused(SchedulerError.Reason)
        case notDone
        case unknown
    }

    /// An outcome; by default without a lease's end.
    public init(task: String, kind: Kind, leaseEndsAt: Int64? = nil) {
        self.task = task
        self.kind = kind
        self.leaseEndsAt = leaseEndsAt
    }
}

/// Counters since the beginning.
public struct Counters: Sendable, Equatable {
    /// Submissions.
    public var queued: Int
    /// Hand-outs.
    public var dispatched: Int
    /// Cancellations.
    public var canceled: Int
    /// Tasks that ended well; nil where the door does not say.
    public var completed: Int?
    /// Tasks that ended badly; nil where the door does not say.
    public var failed: Int?
    /// Leases that ended, and returns; nil where the door does not say.
    public var requeued: Int?

    /// Counters as an answer or Redis has them.
    public init(
        queued: Int, dispatched: Int, canceled: Int, completed: Int? = nil, failed: Int? = nil, requeued: Int? = nil
    ) {
        self.queued = queued
        self.dispatched = dispatched
        self.canceled = canceled
        self.completed = completed
        self.failed = failed
        self.requeued = requeued
    }
}
