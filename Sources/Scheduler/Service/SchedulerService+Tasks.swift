public import DMSModel
import Logging
public import NIOCore
import RedisLink

/// What front ends ask for.
extension SchedulerService {
    /// How long a Get waits for an index of positions to be mended.
    private static let positionWait = TimeAmount.seconds(1)

    /// Persists a task as `queued` and appends it to its queue; answers with its record.
    ///
    /// Fails with, in this order: `invalidField`, `limitParameters`, `submissionsBlocked`, a token error (`mid` and `high`
    /// need the operator's), `taskExists`, `limitQueued`. While Redis may evict tasks: `storeUnavailable`.
    public func enqueue(_ submission: TaskSubmission, caller: Caller) -> EventLoopFuture<TaskRecord> {
        refusing { () throws(SchedulerError) in
            try FieldRules.checkParametersSize(submission.parameters.readableBytes)
            try check(
                FieldRules.taskID(submission.taskID), FieldRules.name(submission.service, field: "service"),
                FieldRules.name(submission.userID, field: "user_id"), FieldRules.parameters(submission.parameters))
            if let refusal = health.refusal { throw refusal }
            let refusal = submission.priority == .low ? nil : tokens.operatorRefusal(caller)
            let now = clock.now()
            let record = TaskRecord(
                taskID: submission.taskID, service: submission.service, userID: submission.userID,
                parameters: submission.parameters, priority: submission.priority, enqueuedAt: now, updatedAt: now)
            // Large ones go alone, or nearly so.
            let weight = 1 + record.parameters.readableBytes / (8 << 10)
            let item = EnqueueScript.Submission(record: record, isAllowed: refusal == nil)
            return submissions.add(item, weight: weight).onLoop { outcome in
                switch outcome {
                case .enqueued: return record
                case .blocked(let reason): throw SchedulerError.blocked(reason)
                case .notAllowed: throw refusal ?? TokenCheck.operatorTokenNeeded
                case .exists:
                    throw SchedulerError(.taskExists, "There is a task '\(submission.taskID)' already")
                case .full:
                    throw SchedulerError(
                        .limitQueued, "As many tasks are queued as may be", retryAfter: .seconds(1))
                }
            }
        }
    }

    /// A task, its position and the queues, read in one step.
    ///
    /// Read at the reader; a task that is not there (yet), and a position that cannot be right, are looked for where
    /// they are written. Fails with `invalidField` of an empty id, `taskNotFound`, or with `limitReads` where too much is read. A large
    /// answer keeps its room at the origin; see ``CallOrigin/takeRoom()``.
    public func get(_ id: TaskID, from origin: CallOrigin? = nil) -> EventLoopFuture<TaskSummary> {
        if id.text.isEmpty, let violation = FieldRules.taskID(id) {
            return eventLoop.makeFailedFuture(SchedulerError.invalid([violation]))
        }
        // What stands at a reserved id's key is no record; and no record has an id of any length.
        guard FieldRules.taskID(id)?.kind != .reserved, id.text.utf8.count <= Limits.nameBytesMax else {
            return eventLoop.makeFailedFuture(SchedulerError.notFound(id))
        }
        return read(id, from: origin, atWriter: false).flatOnLoop { outcome in
            guard let outcome else {
                guard self.store.hasSeparateReader else {
                    return self.eventLoop.makeFailedFuture(SchedulerError.notFound(id))
                }
                _ = origin?.takeRoom()
                return self.read(id, from: origin, atWriter: true).flatOnLoop { self.summary(of: $0, id, origin) }
            }
            return self.summary(of: outcome, id, origin)
        }
    }

    /// Reads a task when it is the connection's turn; a large record when there is room for it too.
    private func read(
        _ id: TaskID, from origin: CallOrigin?, atWriter: Bool
    ) -> EventLoopFuture<ReadTaskScript.Outcome?> {
        reads.read(for: origin) {
            self.store.readTask(id, bytesMax: Limits.smallAnswerBytesMax, atWriter: atWriter)
        }.flatOnLoop { finding in
            switch finding {
            case nil: return self.eventLoop.makeSucceededFuture(nil)
            case .task(let outcome): return self.eventLoop.makeSucceededFuture(outcome)
            case .large(let bytes):
                // The record, and its text.
                return self.reads.room(for: origin, bytes: 2 * bytes).flatOnLoop { room in
                    self.reads.read(for: origin, .slice) {
                        self.store.readTask(id, bytesMax: Int(Int32.max), atWriter: atWriter)
                    }.onLoop { finding in
                        origin?.keep(room)
                        guard case .task(let outcome) = finding else { return nil }
                        return outcome
                    }
                }
            }
        }
    }

    /// Cancels a task of the caller's own; with the operator token, anybody's.
    ///
    /// Fails with, in this order: `invalidField`, `tokenInvalid`, `taskNotFound`, `notOwner`, `taskFinished`. A repetition gets the
    /// same answer. A wrong operator token fails the call of an owner too: whoever sends one means to act as an operator.
    public func cancel(
        _ cancellation: TaskCancellation, caller: Caller, from origin: CallOrigin? = nil
    ) -> EventLoopFuture<TaskRecord> {
        refusing { () throws(SchedulerError) in
            try check(
                FieldRules.taskID(cancellation.taskID), FieldRules.name(cancellation.service, field: "service"),
                FieldRules.name(cancellation.userID, field: "user_id"))
            let isOperator = tokens.isOperator(caller)
            if isOperator == false, let refusal = tokens.operatorRefusal(caller) { throw refusal }
            return changes.read(for: origin) {
                self.store.cancel(cancellation, anyOwner: isOperator == true, at: self.clock.now())
            }.onLoop { outcome in
                switch outcome {
                case .canceled(let text): return try self.record(of: text, cancellation.taskID)
                case .unknown: throw SchedulerError.notFound(cancellation.taskID)
                case .notOwner: throw SchedulerError(.notOwner, "The task belongs to another user or service")
                case .finished: throw SchedulerError(.taskFinished, "The task has finished already")
                }
            }
        }
    }

    /// How many tasks are queued.
    public func overview(from origin: CallOrigin? = nil) -> EventLoopFuture<QueueOverview> {
        reads.read(for: origin) { self.store.readOverview() }
    }

    /// The counters since the beginning, and the queues as they are now.
    public func statistics(from origin: CallOrigin? = nil) -> EventLoopFuture<Statistics> {
        reads.read(for: origin) { self.store.readStatistics() }.onLoop { statistics in
            var statistics = statistics
            statistics.waitingSubmitters = UInt64(self.lot.count)
            // Somebody may have repaired them.
            if statistics.setAside > 0 { self.aside.look() }
            return statistics
        }
    }

    private func summary(
        of outcome: ReadTaskScript.Outcome?, _ id: TaskID, _ origin: CallOrigin?
    ) -> EventLoopFuture<TaskSummary> {
        refusing { () throws(SchedulerError) in
            guard let outcome else { throw .notFound(id) }
            let record = try record(of: outcome.record, id)
            guard record.status == .queued, !outcome.isIndexRight else {
                return eventLoop.makeSucceededFuture(summary(record, outcome))
            }
            // It may have been set aside, and repaired since.
            if outcome.rank == nil { aside.look() }
            return patiently(mender.mend(record.priority, missing: outcome.rank == nil ? id : nil, in: store))
                .flatOnLoop { () -> EventLoopFuture<ReadTaskScript.Outcome?> in
                    // A connection has room for one large record, and this one is read again.
                    _ = origin?.takeRoom()
                    return self.read(id, from: origin, atWriter: true)
                }
                .onLoop { again in
                    guard var again else { throw SchedulerError.notFound(id) }
                    // An index that is not mended yet gives no position.
                    if !again.isIndexRight { again.rank = nil }
                    return self.summary(try self.record(of: again.record, id), again)
                }
                .flatMapErrorThrowing { error in
                    // What was read is an answer all the same; only the position is not known.
                    if (error as? SchedulerError)?.reason == .taskNotFound { throw error }
                    return TaskSummary(record: record, queuePosition: nil, overview: outcome.overview)
                }
        }
    }

    private func summary(_ record: TaskRecord, _ outcome: ReadTaskScript.Outcome) -> TaskSummary {
        let overview = outcome.overview
        let position = outcome.rank.map { rank in
            let ahead =
                switch record.priority {
                case .high: UInt64(0)
                case .mid: overview.high
                case .low: overview.high + overview.mid
                }
            let place = UInt64(rank) + 1
            return QueuePosition(
                priority: record.priority, positionInPriority: place, globalPosition: ahead + place)
        }
        return TaskSummary(record: record, queuePosition: position, overview: overview)
    }

    /// Succeeds with the other, or without it after a while.
    private func patiently(_ other: EventLoopFuture<Void>) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        // The first of the two counts.
        let timer = eventLoop.scheduleTask(in: SchedulerService.positionWait) { promise.succeed() }
        other.hop(to: eventLoop).whenComplete { _ in
            timer.cancel()
            promise.succeed()
        }
        return promise.futureResult
    }
}
