import NIOCore

/// Continuations that run on the future's own loop, so that they may hold what is bound to that loop.
extension EventLoopFuture {
    /// Turns the value into another one, or throws.
    func onLoop<Next: Sendable>(_ body: @escaping (Value) throws -> Next) -> EventLoopFuture<Next> {
        assumeIsolated().flatMapThrowing(body).nonisolated()
    }

    /// Goes on with another call.
    func flatOnLoop<Next: Sendable>(_ body: @escaping (Value) -> EventLoopFuture<Next>) -> EventLoopFuture<Next> {
        assumeIsolated().flatMap(body).nonisolated()
    }
}
