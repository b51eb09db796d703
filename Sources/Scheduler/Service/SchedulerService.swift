import DMSModel
import Logging
public import NIOCore
import RedisLink

/// Every operation of the scheduler, on one event loop.
///
/// Both doors call it and hold no rules of their own. Every method is called on ``eventLoop`` and answers there; what a
/// future fails with is always a ``DMSModel/SchedulerError``.
public final class SchedulerService {
    /// The loop on which every method is called and answers.
    public let eventLoop: any EventLoop

    let store: Store
    let dispatcher: Dispatcher
    let putBacks: PutBackQueue
    /// When the waits of the loop's calls are over, and whatever else of the loop's has a time.
    public let deadlines: DeadlineQueue
    let parkedCallServer: ParkedCallServer
    /// Joins submissions.
    let submissions: Coalescer<EnqueueScript.Submission, EnqueueScript.Outcome>
    /// Joins acknowledgements: each answer has an outcome for each lease.
    let acknowledgements: Coalescer<[LeaseReference], [LeaseOutcome]>
    /// Where calls wait for a task; one for all loops.
    let lot: ParkingLot
    /// Has somebody look whether there is a task for those who wait.
    let requestWake: (Int) -> Void
    let order: TaskOrderKeeper
    /// Lets reads through.
    let reads: ReadGate
    /// Lets calls through that are answered with the record that they changed.
    let changes: ReadGate
    /// Lets calls through that may be answered with what another one was answered with.
    let replays: ReadGate
    let health: StoreHealth
    /// Has looked at what was set aside; one for all loops.
    let aside: TaskOrderKeeper
    /// Has the indexes of positions mended; one for all loops.
    let mender: PositionMender
    /// Changes while the service runs, on its loop.
    var tokens: TokenCheck
    let clock: SystemClock
    let logger: Logger

    init(
        store: Store, configuration: SchedulerConfiguration, lot: ParkingLot, order: TaskOrderKeeper,
        aside: TaskOrderKeeper, mender: PositionMender, answers: AnswerMemory, health: StoreHealth,
        requestWake: @escaping (Int) -> Void, logger: Logger
    ) {
        self.store = store
        self.lot = lot
        self.order = order
        self.health = health
        self.aside = aside
        self.mender = mender
        self.requestWake = requestWake
        eventLoop = store.writer.eventLoop
        reads = ReadGate(on: eventLoop, memory: answers)
        changes = ReadGate(on: eventLoop, memory: answers, .changes)
        replays = ReadGate(on: eventLoop, memory: answers, .replays)
        clock = configuration.clock
        tokens = TokenCheck(configuration.tokens)
        putBacks = PutBackQueue(store: store, clock: configuration.clock, logger: logger)
        dispatcher = Dispatcher(store: store, putBacks: putBacks, clock: configuration.clock, logger: logger)
        deadlines = DeadlineQueue(on: eventLoop)
        self.logger = logger
        let server = ParkedCallServer(
            store: store, putBacks: putBacks, lot: lot, clock: clock, logger: logger, requestWake: requestWake)
        parkedCallServer = server
        submissions = Coalescer(on: eventLoop, weightMax: 128) { batch in
            // Who waits here is served right behind: no message has to go round first.
            let calls = lot.take(tasks: batch.count)
            let areServed = calls.reduce(0) { $0 + $1.caller.wanted } >= batch.count
            let outcomes = store.enqueue(batch, wakesOthers: !areServed).map { $0.map(Optional.some) }
            if !calls.isEmpty { server.serve(calls) }
            return outcomes
        }
        acknowledgements = Coalescer(on: eventLoop, weightMax: Limits.leasesPerCallMax) { calls in
            store.ack(calls.flatMap(\.self)).map { outcomes in
                var rest = outcomes[...]
                return calls.map { leases in
                    defer { rest = rest.dropFirst(leases.count) }
                    return Array(rest.prefix(leases.count))
                }
            }
        }
    }

    /// Succeeds while Redis answers at both of its addresses, and keeps tasks; else fails and says why.
    public func checkStore() -> EventLoopFuture<Void> {
        store.ping().onLoop { if let refusal = self.health.refusal { throw refusal } }
    }

    /// Asks the servers whether they keep what they are given, and whose data they have.
    func lookAtServers() { health.look(at: store.writer, store.ownReader) }

    /// Succeeds when no task is on its way any more, neither to a caller nor back, or when the time is over.
    func settled(by deadline: NIODeadline) -> EventLoopFuture<Void> {
        guard !dispatcher.isIdle || !putBacks.isEmpty, .now() < deadline else {
            return eventLoop.makeSucceededVoidFuture()
        }
        let promise = eventLoop.makePromise(of: Void.self)
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(2)) {
            self.settled(by: deadline).cascade(to: promise)
        }
        return promise.futureResult
    }

    /// Answers with what the body throws, so that a rule can be written as a `throw`.
    func refusing<Value>(
        _ body: () throws(SchedulerError) -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        do {
            return try body()
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    /// Throws all violations as one error, if there are any.
    func check(_ violations: FieldViolation?...) throws(SchedulerError) {
        let found = violations.compactMap(\.self)
        guard found.isEmpty else { throw .invalid(found) }
    }

    /// The record of a text that a script answered with.
    func record(of text: ByteBuffer, _ id: TaskID) throws(SchedulerError) -> TaskRecord {
        guard let record = TaskRecord(json: text), record.taskID == id else {
            logger.error("A record cannot be read", metadata: ["task_id": "\(id)"])
            throw .notFound(id)
        }
        return record
    }
}

extension SchedulerError {
    /// Submissions are blocked, for a reason that the admin may have given.
    static func blocked(_ reason: String?) -> SchedulerError {
        let reason = reason.flatMap { $0.isEmpty ? nil : ": \"\(QuotedText.quoted($0))\"" } ?? ""
        return SchedulerError(
            .submissionsBlocked, "An admin has blocked submissions" + reason, retryAfter: .seconds(5))
    }

    static func notFound(_ id: TaskID) -> SchedulerError {
        let isLong = id.text.utf8.count > Limits.nameBytesMax
        return SchedulerError(.taskNotFound, isLong ? "There is no task of so long an id" : "There is no task '\(id)'")
    }
}
