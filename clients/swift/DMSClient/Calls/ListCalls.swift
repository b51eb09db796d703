public import DMSModel
import DMSWire

/// Lists of tasks.
extension TaskCalls {
    /// A page of tasks; it may be short, or empty, and still not be the last.
    public func list(
        _ query: TaskQuery = TaskQuery(), options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskPage {
        try await client.call(Methods.Tasks.list, query, retry: .always, options: options)
    }

    /// All tasks that a query is for, from its page token on, fetched page by page while they are iterated over.
    public func all(_ query: TaskQuery = TaskQuery(), options: CallOptions = CallOptions()) -> ListedTasks {
        ListedTasks(calls: self, query: query, options: options)
    }
}

/// The tasks that a query is for, over all its pages.
///
/// A task that is there from the first page to the last comes exactly once, whatever comes and goes meanwhile.
public struct ListedTasks: AsyncSequence, Sendable {
    /// What the sequence is of.
    public typealias Element = TaskRecord
    /// What fetching a page may end with.
    public typealias Failure = DMSClientError

    let calls: TaskCalls
    let query: TaskQuery
    let options: CallOptions

    /// Begins with the query's first page.
    public func makeAsyncIterator() -> Iterator { Iterator(calls: calls, query: query, options: options) }

    /// Goes from task to task, and fetches a page where the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        private let calls: TaskCalls
        private let options: CallOptions
        /// The query of the page to come; nil behind the last.
        private var query: TaskQuery?
        private var page: ArraySlice<TaskRecord> = []

        init(calls: TaskCalls, query: TaskQuery, options: CallOptions) {
            self.calls = calls
            self.options = options
            self.query = query
        }

        /// The next task; nil behind the last.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(DMSClientError) -> TaskRecord? {
            while page.isEmpty, let query {
                let answer = try await calls.list(query, options: options)
                page = answer.tasks[...]
                self.query?.pageToken = answer.nextPageToken
                if answer.nextPageToken.isEmpty { self.query = nil }
            }
            return page.popFirst()
        }
    }
}
