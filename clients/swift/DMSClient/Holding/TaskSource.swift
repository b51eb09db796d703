import DMSModel
import DMSWire
import DequeModule
import NIOCore
import Synchronization

/// Fetches tasks under leases, one after the other; may be asked by many tasks at once.
public final class TaskSource: Sendable {
    /// How long a call may take that gives back what was fetched in vain.
    private static let releaseTime = Duration.seconds(5)

    private let client: DMSClient
    private let request: NextRequest
    private let acks = PendingAcks()
    /// Fetched, and not yet asked for.
    private let fetched = Mutex<Deque<HeldTask>>([])
    /// The ids of calls that were given up without knowing what came of them: who fetches next asks for that.
    private let unanswered = Mutex<[String]>([])

    init(client: DMSClient, request: NextRequest) {
        self.client = client
        self.request = request
    }

    deinit {
        client.giveBack(
            fetched.withLock(\.self).filter { $0.ending == nil }.map(\.lease), reason: TaskSource.notBegun)
        let leases = acks.take().map(\.lease)
        guard !leases.isEmpty else { return }
        client.start(
            client.makeRequest(
                Methods.Submitter.ack, AckRequest(leases: leases), retry: .replaySafe,
                options: CallOptions(deadline: TaskSource.releaseTime)))
    }

    private static let notBegun = "not begun: its submitter fetches no more"

    /// The next task, waited for as long as it takes; nil only when the task that asks is canceled.
    ///
    /// A scheduler that is away, overloaded or draining is waited for, too; what it refuses for good is thrown. When the asking task is
    /// canceled, tasks that were fetched and not begun are given back before this returns.
    public func next() async throws(DMSClientError) -> HeldTask? {
        while !Task.isCancelled {
            if let task = takeFetched() { return task }
            guard let tasks = try await fetch() else { break }
            fetched.withLock { $0 += tasks }
        }
        await release()
        return nil
    }

    private func takeFetched() -> HeldTask? {
        fetched.withLock { fetched in
            while let task = fetched.popFirst() {
                if task.ending == nil { return task }
            }
            return nil
        }
    }

    // MARK: Fetching

    /// One answer with tasks or without; nil where the task was canceled.
    private func fetch() async throws(DMSClientError) -> [HeldTask]? {
        var request = request
        // The same for every attempt: an answer that was lost is given again.
        request.requestID = unanswered.withLock { $0.popLast() } ?? SubmitterName.requestID()
        var isOutcomeUnknown = false
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        let acknowledged = acks.take()
        request.acks = acknowledged.map(\.lease)
        while true {
            do throws(DMSClientError) {
                let answer = try await client.submitter.next(request)
                settle(acknowledged, answer.acks)
                return try await hold(answer.leasedTasks)
            } catch {
                isOutcomeUnknown = isOutcomeUnknown || error.isOutcomeUnknown
                if Task.isCancelled || !error.mayPass {
                    if isOutcomeUnknown { unanswered.withLock { $0.append(request.requestID) } }
                    for hold in acknowledged where hold.ending == nil { acks.add(hold) }
                    if Task.isCancelled { return nil }
                    throw error
                }
                let pause = Duration.nanoseconds(backoff.next(using: &random).nanoseconds)
                try? await Task.sleep(for: max(pause, error.rpcError?.retryAfter ?? .zero))
            }
        }
    }

    private func settle(_ holds: [Hold], _ outcomes: [LeaseOutcome]) {
        let outcomes = Dictionary(outcomes.map { ($0.taskID, $0) }) { first, _ in first }
        for hold in holds {
            guard let outcome = outcomes[hold.lease.taskID], outcome.saysSomething else {
                acks.add(hold)
                continue
            }
            hold.acknowledged(outcome)
        }
    }

    /// Begins to renew the leases; where an answer looks old, as one that was repeated does, they are renewed first.
    private func hold(_ tasks: [LeasedTask]) async throws(DMSClientError) -> [HeldTask] {
        let now = NIODeadline.now()
        let length = TimeAmount.milliseconds(Int64(request.leaseMilliseconds))
        var isOld = false
        var holds: [Hold] = []
        let held = tasks.map { task in
            let left = task.leaseExpiresAt.map { TimeAmount.untilWallClock(shows: $0) }
            if let left, left.nanoseconds < length.nanoseconds / 3 * 2 { isOld = true }
            let hold = Hold(
                lease: LeaseReference(taskID: task.record.taskID, token: task.leaseToken), length: length,
                left: left ?? length, acks: acks, now: now)
            holds.append(hold)
            return HeldTask(task, hold: hold, client: client)
        }
        guard isOld else {
            client.keep(holds)
            return held
        }
        if let outcomes = try? await client.submitter.renew(holds.map(\.lease)) {
            let outcomes = Dictionary(outcomes.map { ($0.taskID, $0) }) { first, _ in first }
            for hold in holds {
                guard let outcome = outcomes[hold.lease.taskID], outcome.saysSomething else { continue }
                hold.renewed(outcome, sentAt: now)
            }
        }
        client.keep(holds)
        return held.filter { $0.ending == nil }
    }

    // MARK: Ending

    /// Gives back what was fetched in vain, and does the acknowledgements that wait; also in a task that was canceled.
    private func release() async {
        var unwanted: [HeldTask] = []
        while let task = takeFetched() { unwanted.append(task) }
        // The last one first: a scheduler of an earlier version puts each at the head of its queue.
        for task in unwanted.reversed() { _ = try? await task.return(reason: TaskSource.notBegun) }
        let holds = acks.take()
        guard !holds.isEmpty else { return }
        let response = try? await client.call(
            Methods.Submitter.ack, AckRequest(leases: holds.map(\.lease)), retry: .replaySafe,
            options: CallOptions(deadline: TaskSource.releaseTime), cancellation: .isIgnored)
        let outcomes = response?.outcomes ?? []
        for hold in holds {
            if let outcome = outcomes.first(where: { $0.taskID == hold.lease.taskID }) { hold.acknowledged(outcome) }
        }
    }
}

extension DMSClientError {
    /// Whether the same call may succeed later.
    public var mayPass: Bool {
        switch self {
        case .unreachable, .noScheduler, .connectionLost, .outcomeUnknown, .deadlineExceeded: true
        case .rpc(let error):
            error.knownReason == .outcomeUnknown || error.statusCode == .unavailable
                || error.statusCode == .resourceExhausted && !error.isOfTheRequest
        case .cancelled, .protocolViolation, .requestTooLarge, .closed: false
        }
    }
}

extension RPCError {
    /// Whether it is the request that is too large, now and later.
    fileprivate var isOfTheRequest: Bool {
        switch knownReason {
        case .limitBody, .limitFrame, .limitParameters, .limitResult: true
        default: false
        }
    }
}
