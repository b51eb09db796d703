import DMSModel
import FaultLedger

/// A history that a test tells call by call, each after the one before.
struct Story {
    var calls: [Call] = []
    var lives: [History.Life] = []
    var stranded: [SeenTask] = []
    var outages: [Double] = []
    var incidents: [String] = []
    var snapshot = StoreSnapshot()
    var trails: [String: Trail] = [:]
    var areTrailsComplete = true
    var failovers: [History.Failover] = []
    private var order = 0

    /// One task: submitted, handed out under a lease, finished.
    static func ofOneTask() -> Story {
        var story = Story()
        story.enqueue("a")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 9_000_000)], lease: 2000)
        story.finish("a", "T1", "r")
        story.keep("a", .completed, attempt: 1, text: "r", token: "T1", by: "s1")
        story.trails = ["a": Trail(dispatched: 1)]
        return story
    }

    func violations() -> [Violation] {
        Ledger(
            History(
                calls: calls, lives: lives, stranded: stranded, outages: outages, incidents: incidents,
                failovers: failovers),
            snapshot: snapshot, trails: trails, areTrailsComplete: areTrailsComplete
        ).violations()
    }

    func rules() -> Set<Violation.Rule> { Set(violations().map(\.rule)) }

    private mutating func moment(at redis: Int64? = nil) -> Moment {
        order += 1
        return Moment(
            order: order, seconds: Double(order), redisAtLeast: redis ?? 0, redisAtMost: redis ?? 8_000_000)
    }

    /// A replica takes over; what the body tells happens meanwhile.
    mutating func failover(_ body: (inout Story) -> Void = { _ in }) {
        let began = moment()
        body(&self)
        failovers.append(History.Failover(began: began, ended: moment()))
    }

    /// A call; Redis's clock shows that time all the while, or between the least and the most that it may.
    mutating func call(_ question: Question, _ outcome: Outcome, at redis: Int64? = nil) {
        var call = Call(
            number: calls.count, client: 0, door: .binary, life: 0, invoked: moment(at: redis), operation: question)
        call.completed = moment(at: redis)
        call.outcome = outcome
        calls.append(call)
    }

    func seen(
        _ task: String, _ priority: Priority = .low, status: TaskStatus = .dispatched, attempt: Int,
        by name: String = "",
        text: String = "", token: String = "", end: Int64? = nil
    ) -> SeenTask {
        SeenTask(
            task: task, user: "ada", parameters: "{}", priority: priority, status: status, attempt: attempt,
            fetchedBy: name, text: text, token: token, leaseEndsAt: end)
    }

    mutating func enqueue(_ task: String, priority: Priority = .low, _ outcome: Outcome? = nil) {
        let submission = Submission(task: task, user: "ada", parameters: "{}", priority: priority)
        call(.enqueue(submission), outcome ?? .done(.task(seen(task, priority, status: .queued, attempt: 0))))
    }

    mutating func next(_ name: String, _ tasks: [SeenTask], lease: Int, at redis: Int64? = nil) {
        let fetch = Fetch(name: name, isRepeatable: true, tasksMax: 10, leaseMilliseconds: lease)
        call(.next(fetch), .done(.tasks(tasks, acks: [])), at: redis)
    }

    mutating func ack(_ task: String, _ token: String, _ kind: ProofOutcome.Kind, at redis: Int64? = nil) {
        call(
            .ack([Proof(task: task, token: token)]), .done(.outcomes([ProofOutcome(task: task, kind: kind)])), at: redis
        )
    }

    mutating func finish(_ task: String, _ token: String, _ text: String) {
        call(
            .finish(Proof(task: task, token: token), Ending(succeeded: true, text: text)),
            .done(.task(seen(task, status: .completed, attempt: 1, text: text))))
    }

    mutating func cancel(_ task: String) {
        call(.cancel(task: task), .done(.task(seen(task, status: .canceled, attempt: 0))))
    }

    /// Redis holds that record, and all that belongs to it.
    mutating func keep(
        _ task: String, _ status: TaskStatus, attempt: Int = 0, text: String = "", token: String = "",
        by name: String = ""
    ) {
        snapshot.records[task] = StoredRecord(
            task: seen(task, status: status, attempt: attempt, by: name, text: text, token: token), enqueuedAt: 1)
        snapshot.index.insert(task)
        snapshot.enqueued[task] = 1
        if status == .queued {
            snapshot.queues[.low] = [task]
            snapshot.positions[.low] = [task]
        }
        let records = snapshot.records.values.map(\.task)
        snapshot.counters = Counters(
            queued: records.count, dispatched: records.reduce(0) { $0 + $1.attempt },
            canceled: records.count { $0.status == .canceled }, completed: records.count { $0.status == .completed },
            failed: records.count { $0.status == .failed })
    }
}
