public import DMSModel

/// A method of a service: its names, what it is asked with and what it answers.
public struct RPCMethod<Request: WireMessage, Response: WireMessage>: Sendable {
    /// The service's full name.
    public let service: String
    /// The method's bare name.
    public let name: String

    init(_ service: String, _ name: String) {
        self.service = service
        self.name = name
    }
}

/// The services' full names.
public enum ServiceName {
    /// For those who submit tasks and look after them.
    public static let tasks = "dms.v1.Tasks"
    /// For those who fetch tasks and carry them out.
    public static let submitter = "dms.v1.Submitter"
    /// For operators; every method needs the operator token.
    public static let admin = "dms.v1.Admin"
    /// gRPC's health check.
    public static let health = "grpc.health.v1.Health"

    /// Every service that a server has, and that has a health of its own.
    public static let all = [tasks, submitter, admin, health]
}

/// Every method there is.
public enum Methods {
    /// The methods of `dms.v1.Tasks`.
    public enum Tasks {
        /// Submits a task; it joins the end of its priority's queue.
        public static let enqueue = RPCMethod<TaskSubmission, TaskRecord>(ServiceName.tasks, "Enqueue")
        /// Reads a task, its place in the queue and the queues' lengths in one step.
        public static let get = RPCMethod<GetTaskRequest, TaskSummary>(ServiceName.tasks, "Get")
        /// Cancels a task in the name of its service and user.
        public static let cancel = RPCMethod<TaskCancellation, TaskRecord>(ServiceName.tasks, "Cancel")
        /// Reads the tasks page by page.
        public static let list = RPCMethod<TaskQuery, TaskPage>(ServiceName.tasks, "List")
        /// Reads the queues' lengths.
        public static let overview = RPCMethod<OverviewRequest, QueueOverview>(ServiceName.tasks, "Overview")
        /// Reads the counters and the queues' lengths.
        public static let getStats = RPCMethod<GetStatsRequest, Statistics>(ServiceName.tasks, "GetStats")
    }

    /// The methods of `dms.v1.Submitter`.
    public enum Submitter {
        /// Hands out the next tasks; an answer without tasks is a success too.
        public static let next = RPCMethod<NextRequest, NextAnswer>(ServiceName.submitter, "Next")
        /// Ends leases: the tasks are their holders' for good.
        public static let ack = RPCMethod<AckRequest, AckResponse>(ServiceName.submitter, "Ack")
        /// Extends leases.
        public static let renew = RPCMethod<LeaseRenewal, RenewResponse>(ServiceName.submitter, "Renew")
        /// Gives a task back to its place in its queue.
        public static let `return` = RPCMethod<TaskReturn, TaskRecord>(ServiceName.submitter, "Return")
        /// Ends a task as completed or failed.
        public static let finish = RPCMethod<TaskFinish, TaskRecord>(ServiceName.submitter, "Finish")
    }

    /// The methods of `dms.v1.Admin`.
    public enum Admin {
        /// Moves a queued task to another priority.
        public static let setPriority = RPCMethod<SetPriorityRequest, TaskRecord>(ServiceName.admin, "SetPriority")
        /// Closes the queues for new submissions, or opens them.
        public static let block = RPCMethod<BlockRequest, BlockState>(ServiceName.admin, "Block")
        /// Opens the queues for submissions again.
        public static let resume = RPCMethod<ResumeRequest, BlockState>(ServiceName.admin, "Resume")
        /// Reads whether the queues are closed.
        public static let getBlock = RPCMethod<GetBlockRequest, BlockState>(ServiceName.admin, "GetBlock")
    }

    /// The methods of `grpc.health.v1.Health`.
    public enum Health {
        /// Reads whether a service, or the whole server, serves.
        public static let check = RPCMethod<HealthCheckRequest, HealthCheckResponse>(ServiceName.health, "Check")
    }
}
