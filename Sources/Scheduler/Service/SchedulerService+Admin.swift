public import DMSModel
public import NIOCore

/// What admins ask for; every operation needs the operator token.
extension SchedulerService {
    /// Moves a queued task to the tail of another queue; with the priority it has already, nothing moves.
    ///
    /// Fails with, in this order: `invalidField`, a token error, `taskNotFound`, `taskNotQueued`.
    public func setPriority(
        of id: TaskID, to priority: Priority, caller: Caller, from origin: CallOrigin? = nil
    ) -> EventLoopFuture<TaskRecord> {
        refusing { () throws(SchedulerError) in
            try check(FieldRules.taskID(id))
            try requireOperator(caller)
            return changes.read(for: origin) {
                self.store.setPriority(of: id, to: priority, at: self.clock.now())
            }.onLoop { outcome in
                switch outcome {
                case .done(let text): return try self.record(of: text, id)
                case .unknown: throw SchedulerError.notFound(id)
                case .notQueued:
                    throw SchedulerError(.taskNotQueued, "Only a queued task can change its priority")
                }
            }
        }
    }

    /// Closes the queues for new submissions, or opens them; the reason replaces the earlier one.
    public func block(_ blocked: Bool, reason: String?, caller: Caller) -> EventLoopFuture<BlockState> {
        refusing { () throws(SchedulerError) in
            try check(reason.flatMap { FieldRules.reason($0) })
            try requireOperator(caller)
            return store.setBlock(blocked, reason: .becomes(reason), at: clock.now())
        }
    }

    /// Opens the queues for submissions again; without a reason the earlier one stays.
    public func resume(reason: String?, caller: Caller) -> EventLoopFuture<BlockState> {
        refusing { () throws(SchedulerError) in
            try check(reason.flatMap { FieldRules.reason($0) })
            try requireOperator(caller)
            return store.setBlock(false, reason: reason.map { .becomes($0) } ?? .keepsEarlier, at: clock.now())
        }
    }

    /// Whether the queues are closed for new submissions.
    public func blockState(caller: Caller) -> EventLoopFuture<BlockState> {
        refusing { () throws(SchedulerError) in
            try requireOperator(caller)
            return store.readBlock()
        }
    }

    private func requireOperator(_ caller: Caller) throws(SchedulerError) {
        if let refusal = tokens.operatorRefusal(caller) { throw refusal }
    }
}
