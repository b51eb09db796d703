/// Asks for a page of tasks, oldest first.
public struct TaskQuery: Sendable, Equatable {
    /// 0 stands for 100; above 1 000 for 1 000.
    public var pageSize: UInt32
    /// Where the page begins: the token of the page before; empty for the first.
    public var pageToken: String
    /// Empty: tasks of every status.
    public var statuses: [TaskStatus]
    /// Empty: tasks of every priority.
    public var priorities: [Priority]
    /// Empty: tasks of every service.
    public var service: String
    /// Empty: tasks of every user.
    public var userID: String
    /// Turns the order round: latest `enqueued_at` first.
    public var newestFirst: Bool

    /// A query for the first page of all tasks, oldest first, except for what is given.
    public init(
        pageSize: UInt32 = 0, pageToken: String = "", statuses: [TaskStatus] = [], priorities: [Priority] = [],
        service: String = "", userID: String = "", newestFirst: Bool = false
    ) {
        self.pageSize = pageSize
        self.pageToken = pageToken
        self.statuses = statuses
        self.priorities = priorities
        self.service = service
        self.userID = userID
        self.newestFirst = newestFirst
    }
}

/// A page of tasks; it may be short and still not be the last.
public struct TaskPage: Sendable, Equatable {
    /// The page's tasks in the order that the query asks for; may be empty before the end.
    public var tasks: [TaskRecord]
    /// Where the next page begins; empty at the end.
    public var nextPageToken: String

    /// A page; by default the last one.
    public init(tasks: [TaskRecord], nextPageToken: String = "") {
        self.tasks = tasks
        self.nextPageToken = nextPageToken
    }
}
