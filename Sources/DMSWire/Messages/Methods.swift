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
    public static let tasks = "dms.v1.Tasks"
    public static let submitter = "dms.v1.Submitter"
    public static let admin = "dms.v1.Admin"
    public static let health = "grpc.health.v1.Health"

    public static let all = [tasks, submitter, admin, health]
}

/// Every method there is.
public enum Methods {
    public enum Tasks {
        public static let enqueue = RPCMethod<TaskSubmission, TaskRecord>(ServiceName.tasks, "Enqueue")
        public static let get = RPCMethod<GetTaskRequest, TaskSummary>(ServiceName.tasks, "Get")
        public static let cancel = RPCMethod<TaskCancellation, TaskRecord>(ServiceName.tasks, "Cancel")
        public static let list = RPCMethod<TaskQuery, TaskPage>(ServiceName.tasks, "List")
        public static let overview = RPCMethod<OverviewRequest, QueueOverview>(ServiceName.tasks, "Overview")
        public static let getStats = RPCMethod<GetStatsRequest, Statistics>(ServiceName.tasks, "GetStats")
    }

    public enum Submitter {
        public static let next = RPCMethod<NextRequest, NextAnswer>(ServiceName.submitter, "Next")
        public static let ack = RPCMethod<AckRequest, AckResponse>(ServiceName.submitter, "Ack")
        public static let renew = RPCMethod<LeaseRenewal, RenewResponse>(ServiceName.submitter, "Renew")
        public static let `return` = RPCMethod<TaskReturn, TaskRecord>(ServiceName.submitter, "Return")
        public static let finish = RPCMethod<TaskFinish, TaskRecord>(ServiceName.submitter, "Finish")
    }

    public enum Admin {
        public static let setPriority = RPCMethod<SetPriorityRequest, TaskRecord>(ServiceName.admin, "SetPriority")
        public static let block = RPCMethod<BlockRequest, BlockState>(ServiceName.admin, "Block")
        public static let resume = RPCMethod<ResumeRequest, BlockState>(ServiceName.admin, "Resume")
        public static let getBlock = RPCMethod<GetBlockRequest, BlockState>(ServiceName.admin, "GetBlock")
    }

    public enum Health {
        public static let check = RPCMethod<HealthCheckRequest, HealthCheckResponse>(ServiceName.health, "Check")
    }
}
