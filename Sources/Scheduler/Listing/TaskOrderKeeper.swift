import NIOConcurrencyHelpers
import NIOCore

/// Has the order of tasks, or what was set aside, looked through when it is asked to: one look at a time, and not all the time.
final class TaskOrderKeeper: Sendable {
    private struct State {
        var waiters: [EventLoopPromise<Void>] = []
        /// Before that, nobody's asking starts another look.
        var rest = NIODeadline.uptimeNanoseconds(0)
        var isClosed = false
    }

    /// A look that took less may be followed by the next at once.
    private static let shortLook = TimeAmount.milliseconds(20)
    /// Otherwise so many times its duration pass first, so that Redis is busy with something else most of the time.
    private static let restPerLook: Int64 = 10

    private let state = NIOLockedValueBox(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() { (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Asks for a look, and waits until one that began after now has ended, or the limit has passed.
    ///
    /// It succeeds whatever came of it. Soon after a long look nothing is done, unless it is urgent.
    func look(isUrgent: Bool, within limit: TimeAmount, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        let isAwaited = state.withLockedValue { state in
            guard !state.isClosed, isUrgent || NIODeadline.now() >= state.rest else { return false }
            state.waiters.append(promise)
            return true
        }
        guard isAwaited else {
            promise.succeed()
            return promise.futureResult
        }
        signal.yield()
        // The first of the two counts.
        let timer = eventLoop.scheduleTask(in: limit) { promise.succeed() }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    /// Asks for a look that nobody waits for.
    func look() {
        if state.withLockedValue({ !$0.isClosed && NIODeadline.now() >= $0.rest }) { signal.yield() }
    }

    /// Looks when it is asked to, until ``close()`` or cancellation.
    func run(_ look: () async -> Void) async {
        for await _ in signals {
            let waiters = state.withLockedValue { state in
                defer { state.waiters = [] }
                return state.waiters
            }
            let start = NIODeadline.now()
            await look()
            let end = NIODeadline.now()
            if end - start >= TaskOrderKeeper.shortLook {
                state.withLockedValue { $0.rest = end + (end - start) * TaskOrderKeeper.restPerLook }
            }
            for waiter in waiters { waiter.succeed() }
        }
    }

    /// Lets everybody go who waits; nothing is looked through any more.
    func close() {
        let waiters = state.withLockedValue { state in
            defer { state.waiters = [] }
            state.isClosed = true
            return state.waiters
        }
        signal.finish()
        for waiter in waiters { waiter.succeed() }
    }
}
