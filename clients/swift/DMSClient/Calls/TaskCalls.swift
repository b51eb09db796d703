public import DMSModel
import DMSWire

/// What users' front ends ask for: the service `dms.v1.Tasks`.
public struct TaskCalls: Sendable {
    let client: DMSClient

    /// Submits a task; `mid` and `high` need the operator token.
    public func enqueue(
        _ submission: TaskSubmission, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskRecord {
        try await client.call(Methods.Tasks.enqueue, submission, retry: .unsentOnly, options: options)
    }

    /// A task, where it stands, and how many are queued.
    public func get(
        _ id: TaskID, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskSummary {
        try await client.call(Methods.Tasks.get, GetTaskRequest(taskID: id), retry: .always, options: options)
    }

    /// Cancels a task; who is not its owner needs the operator token.
    public func cancel(
        _ cancellation: TaskCancellation, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskRecord {
        try await client.call(Methods.Tasks.cancel, cancellation, retry: .unsentOnly, options: options)
    }

    /// How many tasks are queued.
    public func overview(options: CallOptions = CallOptions()) async throws(DMSClientError) -> QueueOverview {
        try await client.call(Methods.Tasks.overview, OverviewRequest(), retry: .always, options: options)
    }

    /// Counters since the beginning, and how many tasks are queued.
    public func stats(options: CallOptions = CallOptions()) async throws(DMSClientError) -> Statistics {
        try await client.call(Methods.Tasks.getStats, GetStatsRequest(), retry: .always, options: options)
    }
}
