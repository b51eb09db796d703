import DMSModel

extension SubmitterCalls {
    /// Tasks to work on, each under a lease that is renewed until its end is reported.
    ///
    ///     for try await task in client.submitter.tasks(lease: .seconds(30)) {
    ///         try await task.finish(result: work(on: task.record))
    ///     }
    ///
    /// Waits for tasks, and for a scheduler that is away; ends when the iterating task is canceled, and throws what the scheduler refuses
    /// for good. What was fetched and not begun is given back at the end.
    ///
    /// - Parameters:
    ///   - lease: How long the scheduler waits for a sign of life, from 1 second to a day; it is given every third of that.
    ///   - batch: How many tasks to fetch at most with one call.
    ///   - wait: How long one call waits for a task, at most 10 minutes.
    public func tasks(lease: Duration, batch: Int = 1, wait: Duration = .seconds(30)) -> HeldTasks {
        HeldTasks(
            client: client,
            request: NextRequest(
                maxTasks: UInt32(clamping: batch),
                waitMilliseconds: min(UInt32(milliseconds: wait), UInt32(Limits.nextWaitMillisecondsMax)),
                leaseMilliseconds: max(UInt32(milliseconds: lease), 1)))
    }
}

/// The tasks that a submitter gets, one after the other.
public struct HeldTasks: AsyncSequence, Sendable {
    let client: DMSClient
    let request: NextRequest

    /// Where the tasks come from, for those who fetch with several tasks at once.
    public func makeSource() -> TaskSource { TaskSource(client: client, request: request) }

    /// Begins to fetch, with the first call of `next()`.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: makeSource()) }

    /// Fetches task after task.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: TaskSource

        /// See ``TaskSource/next()``.
        public mutating func next() async throws(DMSClientError) -> HeldTask? { try await source.next() }

        /// See ``TaskSource/next()``.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(DMSClientError) -> HeldTask? { try await source.next() }
    }
}
