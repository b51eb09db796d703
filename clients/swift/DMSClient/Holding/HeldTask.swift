public import DMSModel
import DMSWire
public import NIOCore

/// A task that is ours to work on, under a lease that is renewed until we say how the task ended.
///
/// The four reports may be repeated, and are made also by a task that has been canceled: reporting is what such a task still has to do.
/// Who forgets a held task without a report leaves it to its lease: when that has ended the task goes to somebody else.
public final class HeldTask: Sendable {
    /// The task as it was when it was handed out.
    public let record: TaskRecord
    /// The proof that the task is ours.
    public let lease: LeaseReference

    private let client: DMSClient
    private let hold: Hold

    init(_ task: LeasedTask, hold: Hold, client: DMSClient) {
        record = task.record
        lease = hold.lease
        self.hold = hold
        self.client = client
    }

    deinit { hold.forget() }

    /// Why the task is no longer ours, if that is so by what is known now.
    public var ending: HoldEnd? { hold.ending }

    /// Waits until the task is no longer ours; nil where the waiting task was canceled before.
    public func ended() async -> HoldEnd? { await hold.ended() }

    /// Does work as long as the task is ours: when it is canceled or lost, the work is canceled.
    ///
    /// Returns what the work does; where the work ends because the task is no longer ours, it is for the work to say how, and ``ending`` says why.
    public func whileHeld<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                _ = await self.ended()
                return nil
            }
            while let value = try await group.next() {
                group.cancelAll()
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// Reports the task as completed, with what came of it as a JSON text.
    @discardableResult
    public func finish(result: ByteBuffer? = nil) async throws(DMSClientError) -> TaskRecord {
        try await finish(.completed(result: result))
    }

    /// Reports the task as failed, with why as a text for people, and perhaps what came of it as a JSON text.
    @discardableResult
    public func fail(error: String, result: ByteBuffer? = nil) async throws(DMSClientError) -> TaskRecord {
        try await finish(.failed(error: error, result: result))
    }

    /// Reports how the task ended.
    @discardableResult
    public func finish(_ ending: TaskEnding) async throws(DMSClientError) -> TaskRecord {
        let request = ending.request(for: lease)
        return try await report { () async throws(DMSClientError) in
            try await self.client.call(
                Methods.Submitter.finish, request, retry: .replaySafe, options: CallOptions(), cancellation: .isIgnored)
        }
    }

    /// Gives the task back to its place in its queue, for somebody else to do.
    @discardableResult
    public func `return`(reason: String? = nil) async throws(DMSClientError) -> TaskRecord {
        let request = TaskReturn(lease: lease, reason: reason)
        return try await report { () async throws(DMSClientError) in
            try await self.client.call(
                Methods.Submitter.return, request, retry: .replaySafe, options: CallOptions(), cancellation: .isIgnored)
        }
    }

    /// Ends the lease: the task is ours for good, whatever becomes of us.
    ///
    /// That it was canceled is still told, by ``ending`` and ``ended()``.
    public func ack() async throws(DMSClientError) {
        let response = try await client.call(
            Methods.Submitter.ack, AckRequest(leases: [lease]), retry: .replaySafe, options: CallOptions(),
            cancellation: .isIgnored)
        guard let outcome = response.outcomes.first else { return }
        hold.acknowledged(outcome)
        if let error = outcome.error { throw .rpc(RPCError(error)) }
    }

    /// Ends the lease with the next call that fetches tasks from where this one came from, which saves a call of its own.
    ///
    /// Until then the lease is renewed as before; where nothing more is fetched, it is ended when the fetching ends.
    public func ackWithNext() { hold.awaitAck() }

    /// Reports; renewals rest meanwhile, for after a report they are refused.
    private func report(
        _ call: () async throws(DMSClientError) -> TaskRecord
    ) async throws(DMSClientError) -> TaskRecord {
        hold.reportBegins()
        do throws(DMSClientError) {
            let record = try await call()
            hold.reportEnds(record.status == .canceled ? .canceled : .reported)
            return record
        } catch {
            switch error.rpcError?.knownReason {
            case .leaseLost, .taskNotFound: hold.reportEnds(.lost)
            case .taskCanceled: hold.reportEnds(.canceled)
            default: hold.reportEnds(nil)
            }
            throw error
        }
    }
}
