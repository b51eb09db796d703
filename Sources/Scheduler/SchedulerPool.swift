public import DMSModel
public import NIOCore

/// A ``SchedulerService`` an event loop; what the doors are given.
public final class SchedulerPool: Sendable {
    /// The service of the loop that the caller is on.
    public func service(on eventLoop: any EventLoop) -> SchedulerService { preconditionFailure("being written") }

    /// Calls a service on one of the loops (the caller's own where it is one) and awaits the answer.
    ///
    /// Throws ``DMSModel/SchedulerError`` only.
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable (SchedulerService) -> EventLoopFuture<Value>
    ) async throws(SchedulerError) -> Value { preconditionFailure("being written") }
}
