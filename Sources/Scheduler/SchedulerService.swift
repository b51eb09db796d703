public import DMSModel
public import NIOCore

/// Every operation of the scheduler, on one event loop.
///
/// Both doors call it and hold no rules of their own. Every method is called on ``eventLoop`` and answers there; what a
/// future fails with is always a ``DMSModel/SchedulerError``.
public final class SchedulerService {
    /// The loop on which every method is called and answers.
    public let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Persists a task as `queued` and appends it to its queue.
    public func enqueue(_ submission: TaskSubmission, caller: Caller) -> EventLoopFuture<TaskRecord> { stub() }
    /// A task, its position and the queues, read in one step.
    public func get(_ id: TaskID) -> EventLoopFuture<TaskSummary> { stub() }
    /// Cancels a task of the caller's own.
    public func cancel(_ cancellation: TaskCancellation, caller: Caller) -> EventLoopFuture<TaskRecord> { stub() }
    public func overview() -> EventLoopFuture<QueueOverview> { stub() }
    public func statistics() -> EventLoopFuture<Statistics> { stub() }
    /// Hands out the next tasks; no task is an answer too.
    public func next(_ request: NextRequest, caller: Caller) -> EventLoopFuture<NextAnswer> { stub() }
    public func setPriority(of id: TaskID, to priority: Priority, caller: Caller) -> EventLoopFuture<TaskRecord> { stub() }
    public func block(_ blocked: Bool, reason: String?, caller: Caller) -> EventLoopFuture<BlockState> { stub() }
    /// Clears the block; without a reason the earlier one stays.
    public func resume(reason: String?, caller: Caller) -> EventLoopFuture<BlockState> { stub() }
    public func blockState(caller: Caller) -> EventLoopFuture<BlockState> { stub() }
    /// Succeeds while Redis answers at both of its addresses; else fails and says why.
    public func checkStore() -> EventLoopFuture<Void> { stub() }

    private func stub<Value>() -> EventLoopFuture<Value> { preconditionFailure("being written") }
}
