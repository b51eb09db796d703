import DMSModel
import NIOCore
import RedisLink

/// What the service layer asks of Redis, on one event loop; nobody else knows a key or a script.
///
/// A future fails with a ``DMSModel/SchedulerError`` only.
struct Store {
    let writer: RedisConnection
    /// The connection to a reader of its own address; nil where reads go where writes go.
    let ownReader: RedisConnection?
    let keys: StoreKeys

    /// For reads: another connection than the writer's where there is one, whatever its address.
    private let secondConnection: RedisConnection
    private let health: StoreHealth
    private let keyTypes: KeyTypes
    private let enqueueScript: EnqueueScript
    private let handOutScript: HandOutScript
    private let putBackScript: PutBackScript
    private let endLeasesScript: EndLeasesScript
    private let ackScript: AckScript
    private let renewScript: RenewScript
    private let returnScript: ReturnScript
    private let finishScript: FinishScript
    private let readTaskScript: ReadTaskScript
    private let cancelScript: CancelScript
    private let setPriorityScript: SetPriorityScript
    private let setBlockScript: SetBlockScript
    private let readOverviewScript: ReadOverviewScript
    private let readStatsScript: ReadStatsScript
    private let mendPositionsScript: MendPositionsScript
    private let listScript: ListScript
    private let scanIDs: ScanIDs
    private let indexTasksScript: IndexTasksScript
    private let markIndexScript: MarkIndexScript
    private let setAsideScript: SetAsideScript
    private let restoreScript: RestoreScript

    /// `reader` is nil where reads go over the same connection, `readsElsewhere` whether they go to another server.
    init(
        writer: RedisConnection, reader: RedisConnection?, readsElsewhere: Bool, health: StoreHealth, keys: StoreKeys,
        queuedMax: Int
    ) {
        self.writer = writer
        ownReader = readsElsewhere ? reader : nil
        secondConnection = reader ?? writer
        self.health = health
        self.keys = keys
        keyTypes = KeyTypes(keys, writer: writer, reader: secondConnection)
        enqueueScript = EnqueueScript(keys: keys, queuedMax: queuedMax)
        handOutScript = HandOutScript(keys: keys)
        putBackScript = PutBackScript(keys: keys)
        endLeasesScript = EndLeasesScript(keys: keys)
        ackScript = AckScript(keys: keys)
        renewScript = RenewScript(keys: keys)
        returnScript = ReturnScript(keys: keys)
        finishScript = FinishScript(keys: keys)
        readTaskScript = ReadTaskScript(keys: keys)
        cancelScript = CancelScript(keys: keys)
        setPriorityScript = SetPriorityScript(keys: keys)
        setBlockScript = SetBlockScript(keys: keys)
        readOverviewScript = ReadOverviewScript(keys: keys)
        readStatsScript = ReadStatsScript(keys: keys)
        mendPositionsScript = MendPositionsScript(keys: keys)
        listScript = ListScript(keys: keys)
        scanIDs = ScanIDs(keys: keys)
        indexTasksScript = IndexTasksScript(keys: keys)
        markIndexScript = MarkIndexScript(keys: keys)
        setAsideScript = SetAsideScript(keys: keys)
        restoreScript = RestoreScript(keys: keys)
    }

    /// Whether reads go to another address than writes, so that what they miss may be there all the same.
    var hasSeparateReader: Bool { ownReader != nil && !health.readsAtWriter }

    private var reader: RedisConnection { ownReader != nil && health.readsAtWriter ? writer : secondConnection }

    /// Persists tasks and appends each to its queue, unless something stands against it.
    ///
    /// `wakesOthers` tells all schedulers, so that those who wait there are served.
    func enqueue(
        _ submissions: [EnqueueScript.Submission], wakesOthers: Bool
    ) -> EventLoopFuture<[EnqueueScript.Outcome]> {
        writing(enqueueScript.call(submissions, wakesOthers: wakesOthers, on: writer))
    }

    /// Takes tasks off the queues for several callers at once.
    ///
    /// Where replicas had to confirm it and did not, that is no failure: those answers say so that have tasks, which have to go
    /// back.
    func handOut(_ callers: [HandOutScript.Caller], at now: Timestamp) -> EventLoopFuture<HandOutScript.Outcome> {
        let outcome = writing(handOutScript.call(callers, at: now, on: writer))
        outcome.assumeIsolated().whenSuccess { outcome in
            guard !outcome.unreadable.isEmpty else { return }
            // Where this fails the tasks stay dispatched, as those of a submitter that is gone do.
            let kept = zip(callers, outcome.answers).compactMap { $1.lacksTasks ? $0.kept?.key : nil }
            _ = setAsideScript.call(outcome.unreadable, handedOut: now, kept: kept, at: now, on: writer)
        }
        return outcome
    }

    /// Whether there is anything in a queue where it is written.
    func hasQueued() -> EventLoopFuture<Bool> {
        let command = RedisCommand(["EXISTS"] + Priority.handOutOrder.map(keys.queue), readOnly: true)
        return reading(writer.send(command) { reply throws(RedisError) in try reply.integer() > 0 })
    }

    /// Puts tasks that could not be delivered back, as if they had never been taken.
    func putBack(_ answers: [PutBackScript.Undelivered], at now: Timestamp) -> EventLoopFuture<Int> {
        writing(putBackScript.call(answers, at: now, on: writer))
    }

    /// Puts the tasks whose leases have ended back.
    func endLeases(at now: Timestamp) -> EventLoopFuture<EndLeasesScript.Outcome> {
        writing(endLeasesScript.call(at: now, on: writer))
    }

    /// Acknowledges tasks; one outcome for each.
    func ack(_ leases: [LeaseReference]) -> EventLoopFuture<[LeaseOutcome]> {
        writing(ackScript.call(leases, on: writer))
    }

    /// Renews leases; one outcome for each.
    func renew(_ renewal: LeaseRenewal) -> EventLoopFuture<[LeaseOutcome]> {
        writing(renewScript.call(renewal, on: writer))
    }

    /// Puts a task back to its place in its queue.
    func `return`(_ lease: LeaseReference, at now: Timestamp) -> EventLoopFuture<ReturnScript.Outcome> {
        writing(returnScript.call(lease, at: now, on: writer), lease.taskID)
    }

    /// Ends a task.
    func finish(_ finish: TaskFinish, at now: Timestamp) -> EventLoopFuture<FinishScript.Outcome> {
        writing(finishScript.call(finish, at: now, on: writer), finish.lease.taskID)
    }

    /// Reads a task at the reader or, with `atWriter`, where it is written; nil where it has no record.
    func readTask(_ id: TaskID, bytesMax: Int, atWriter: Bool) -> EventLoopFuture<ReadTaskScript.Finding?> {
        reading(readTaskScript.call(id, bytesMax: bytesMax, on: atWriter ? writer : reader), id)
    }

    /// Cancels the task, if it is the caller's; `anyOwner` leaves that out.
    func cancel(
        _ cancellation: TaskCancellation, anyOwner: Bool, at now: Timestamp
    ) -> EventLoopFuture<CancelScript.Outcome> {
        writing(
            cancelScript.call(cancellation, anyOwner: anyOwner, at: now, on: writer), cancellation.taskID)
    }

    /// Moves a queued task to the tail of another queue.
    func setPriority(
        of id: TaskID, to priority: Priority, at now: Timestamp
    ) -> EventLoopFuture<SetPriorityScript.Outcome> {
        writing(setPriorityScript.call(id, priority: priority, at: now, on: writer), id)
    }

    /// Sets the block flag.
    func setBlock(
        _ blocked: Bool, reason: SetBlockScript.Reason, at now: Timestamp
    ) -> EventLoopFuture<BlockState> {
        writing(setBlockScript.call(blocked, reason: reason, at: now, on: writer))
    }

    /// Reads the block flag.
    func readBlock() -> EventLoopFuture<BlockState> {
        reading(
            reader.send(RedisCommand("GET", keys.block)) { reply throws(RedisError) in
                BlockState(stored: try reply.optionalBytes())
            })
    }

    /// Reads the queues' lengths.
    func readOverview() -> EventLoopFuture<QueueOverview> { reading(readOverviewScript.call(on: reader)) }

    /// Reads the counters and the queues' lengths.
    func readStatistics() -> EventLoopFuture<Statistics> { reading(readStatsScript.call(on: reader)) }

    /// Does a part of what makes the index of positions of a queue agree with its list.
    func mendPositions(
        _ priority: Priority, missing id: TaskID?, countingMarks: Bool
    ) -> EventLoopFuture<MendPositionsScript.Step> {
        writing(mendPositionsScript.call(priority, missing: id, countingMarks: countingMarks, on: writer))
    }

    /// Reads a part of a page of tasks at the reader or, with `atWriter`, where they are written.
    func list(
        _ query: TaskQuery, after position: ListPosition?, _ bounds: ListScript.Bounds, atWriter: Bool
    ) -> EventLoopFuture<ListScript.Outcome> {
        reading(listScript.call(query, after: position, bounds, on: atWriter ? writer : reader))
    }

    /// Some ids of a key that holds them.
    func scanIDs(_ source: ScanIDs.Source, from cursor: String) -> EventLoopFuture<ScanIDs.Outcome> {
        reading(scanIDs.call(source, from: cursor, on: writer))
    }

    /// Makes the order of tasks say of these ids what their records say.
    func indexTasks(_ ids: some Collection<ByteBuffer>) -> EventLoopFuture<IndexTasksScript.Outcome> {
        writing(indexTasksScript.call(ids, on: writer))
    }

    /// Whether the order of tasks is complete; marks it so where the mode says.
    func markIndex(_ mode: MarkIndexScript.Mode) -> EventLoopFuture<MarkIndexScript.Outcome> {
        writing(markIndexScript.call(mode, on: writer))
    }

    /// Puts those of these ids back into their queues that were set aside and whose records can be read by now.
    func restore(_ ids: some Collection<ByteBuffer>) -> EventLoopFuture<RestoreScript.Outcome> {
        writing(restoreScript.call(ids, on: writer))
    }

    /// Succeeds if Redis answers at both addresses.
    func ping() -> EventLoopFuture<Void> {
        let connections = secondConnection === writer ? [writer] : [writer, secondConnection]
        let answers = connections.map { connection in
            connection.send(RedisCommand("PING")) { _ throws(RedisError) in }
        }
        return reading(EventLoopFuture.andAllSucceed(answers, on: writer.eventLoop))
    }

    /// `id` is the task whose record the call names, where it is one.
    private func writing<Value: Sendable>(
        _ answer: EventLoopFuture<Value>, _ id: TaskID? = nil
    ) -> EventLoopFuture<Value> {
        answer.assumeIsolated().flatMapError { [keyTypes] in keyTypes.explain($0, wrote: true, id) }.nonisolated()
    }

    private func reading<Value: Sendable>(
        _ answer: EventLoopFuture<Value>, _ id: TaskID? = nil
    ) -> EventLoopFuture<Value> {
        answer.assumeIsolated().flatMapError { [keyTypes] in keyTypes.explain($0, wrote: false, id) }.nonisolated()
    }
}
