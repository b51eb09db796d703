public import DMSModel
import DMSWire
public import NIOCore

/// What submitters ask for: the service `dms.v1.Submitter`.
///
/// All of these calls may be repeated without doing anything twice, and are, when their connection is lost.
public struct SubmitterCalls: Sendable {
    let client: DMSClient

    /// Fetches the next tasks; an answer without any is none queued.
    ///
    /// Where the options set no deadline, the time that the request itself allows for waiting is added to the client's. Where the
    /// request has no submitter id it gets the client's, and where it has no request id a new one: so a call whose answer was lost is
    /// repeated, and gets the same tasks. When the task that makes the call is canceled, the server is asked to give the call up; tasks
    /// that were on their way already are returned nevertheless. Those under a lease that come even later go back to their queues,
    /// unless the request has an id of its own, under which they can be asked for again.
    ///
    /// - Parameter isReplayable: Whether the request gets a request id where it has none. Without one, the server need not keep the answer,
    ///   and a call whose answer was lost fails, its outcome unknown.
    public func next(
        _ request: NextRequest = NextRequest(), isReplayable: Bool = true, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> NextAnswer {
        var request = request
        if request.submitterID.isEmpty { request.submitterID = client.submitterID }
        // Whoever chose the request id may ask again for what came too late.
        let isAskedAgain = !request.requestID.isEmpty
        if !isAskedAgain, isReplayable { request.requestID = SubmitterName.requestID() }
        return try await client.call(
            Methods.Submitter.next, request, retry: request.requestID.isEmpty ? .unsentOnly : .replaySafe,
            options: options, extraTime: .milliseconds(Int64(request.waitMilliseconds)), cancellation: .asksServer
        ) { [weak client] answer in
            guard !isAskedAgain, let answer = try? NextAnswer.decode(answer) else { return }
            let leases = answer.leasedTasks.map { LeaseReference(taskID: $0.record.taskID, token: $0.leaseToken) }
            client?.giveBack(leases, reason: "it came too late")
        }
    }

    /// Ends leases: the tasks are their holder's for good, and are handed out to nobody else.
    ///
    /// One outcome for each lease, at most 1 000; one that is lost does not fail the call.
    public func ack(
        _ leases: [LeaseReference], options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> [LeaseOutcome] {
        try await client.call(
            Methods.Submitter.ack, AckRequest(leases: leases), retry: .replaySafe, options: options
        ).outcomes
    }

    /// Extends leases to a time from now; to as long as each was where no time is given.
    ///
    /// One outcome for each lease, at most 1 000; one that is lost does not fail the call.
    public func renew(
        _ leases: [LeaseReference], for time: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> [LeaseOutcome] {
        let renewal = LeaseRenewal(leases: leases, leaseMilliseconds: time.map(UInt32.init(milliseconds:)) ?? 0)
        return try await client.call(Methods.Submitter.renew, renewal, retry: .replaySafe, options: options).outcomes
    }

    /// Gives a task back to its place in its queue.
    public func `return`(
        _ lease: LeaseReference, reason: String? = nil, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskRecord {
        try await client.call(
            Methods.Submitter.return, TaskReturn(lease: lease, reason: reason), retry: .replaySafe, options: options)
    }

    /// Ends a task: as completed, with a JSON text as its result, or as failed, with a text for people and perhaps a result, too.
    public func finish(
        _ lease: LeaseReference, _ ending: TaskEnding, options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> TaskRecord {
        try await client.call(
            Methods.Submitter.finish, ending.request(for: lease), retry: .replaySafe, options: options)
    }
}

/// How a task ended.
public enum TaskEnding: Sendable, Equatable {
    /// It was done; what came of it is a JSON text, or nothing.
    case completed(result: ByteBuffer? = nil)
    /// It could not be done; why is a text for people, and what came of it all the same a JSON text, or nothing.
    case failed(error: String = "", result: ByteBuffer? = nil)

    func request(for lease: LeaseReference) -> TaskFinish {
        switch self {
        case .completed(let result): TaskFinish(lease: lease, succeeded: true, result: result ?? ByteBuffer())
        case .failed(let error, let result):
            TaskFinish(lease: lease, succeeded: false, result: result ?? ByteBuffer(), error: error)
        }
    }
}

extension UInt32 {
    /// A duration in whole milliseconds, cut to what the number holds.
    init(milliseconds duration: Duration) {
        self.init(clamping: TimeAmount(clamping: duration).nanoseconds / 1_000_000)
    }
}
