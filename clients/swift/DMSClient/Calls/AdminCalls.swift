public import DMSModel
import DMSWire

/// What operators ask for: the service `dms.v1.Admin`, of which every method needs the operator token.
public struct AdminCalls: Sendable {
    let client: DMSClient

    /// Moves a queued task to the tail of another queue.
    public func setPriority(
        of id: TaskID, to priority: Priority, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskRecord {
        let request = SetPriorityRequest(taskID: id, priority: priority)
        return try await client.call(Methods.Admin.setPriority, request, retry: .unsentOnly, options: options)
    }

    /// Closes the queues for new submissions, or opens them again.
    public func block(
        _ blocked: Bool, reason: String? = nil, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> BlockState {
        let request = BlockRequest(blocked: blocked, reason: reason)
        return try await client.call(Methods.Admin.block, request, retry: .unsentOnly, options: options)
    }

    /// Opens the queues for new submissions; without a reason the block's own stays.
    public func resume(
        reason: String? = nil, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> BlockState {
        try await client.call(
            Methods.Admin.resume, ResumeRequest(reason: reason), retry: .unsentOnly, options: options)
    }

    /// Whether the queues are closed for new submissions.
    public func blockState(options: CallOptions = CallOptions()) async throws(DMSClientError) -> BlockState {
        try await client.call(Methods.Admin.getBlock, GetBlockRequest(), retry: .always, options: options)
    }
}
