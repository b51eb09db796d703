public import DMSModel
import Logging
public import NIOCore

/// What submitters ask for.
extension SchedulerService {
    /// Hands out the next tasks, best priority first; no task is an answer too.
    ///
    /// One script call serves every caller of a tick, so the cost falls as the load grows. The answer fails with a token error,
    /// `invalidField`, `limitWaiters`, `draining`, or an error of the store. `onParked` is called where the call begins to wait.
    public func next(
        _ request: NextRequest, caller: Caller, from origin: CallOrigin? = nil, onParked: @escaping () -> Void = {}
    ) -> NextCall {
        let lease = request.leaseMilliseconds == 0 ? nil : LeaseTerms(milliseconds: request.leaseMilliseconds)
        let kept =
            request.requestID.isEmpty
            ? nil
            : KeptAnswer(
                key: store.keys.answer(submitterID: request.submitterID, requestID: request.requestID),
                requestID: request.requestID)
        let call = NextCall(
            self,
            HandOutScript.Caller(
                wanted: max(1, Int(request.maxTasks)), lease: lease, submitterID: request.submitterID,
                kept: kept),
            waitMilliseconds: request.waitMilliseconds, from: origin, onParked: onParked)
        do throws(SchedulerError) {
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try check(
                FieldRules.range(request.maxTasks, field: "max_tasks", 0...Limits.nextTasksMax),
                FieldRules.range(request.waitMilliseconds, field: "wait_ms", 0...Limits.nextWaitMillisecondsMax),
                FieldRules.leaseMilliseconds(request.leaseMilliseconds),
                FieldRules.optionalName(request.submitterID, field: "submitter_id"),
                FieldRules.optionalName(request.requestID, field: "request_id"),
                FieldRules.leases(request.acks, field: "acks"))
            call.start(acks: request.acks)
        } catch {
            call.fail(error)
        }
        return call
    }

    /// Ends leases, so that the tasks are their holders' for good; one outcome for each, in order.
    ///
    /// Fails with a token error or `invalidField`; what is wrong with one lease is its outcome's `leaseLost` or `taskNotFound`.
    public func ack(_ leases: [LeaseReference], caller: Caller) -> EventLoopFuture<[LeaseOutcome]> {
        refusing { () throws(SchedulerError) in
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try check(FieldRules.leases(leases, field: "leases"))
            return leases.isEmpty
                ? eventLoop.makeSucceededFuture([]) : acknowledgements.add(leases, weight: leases.count)
        }
    }

    /// Sets the ends of leases anew; one outcome for each, in order.
    ///
    /// Fails as ``ack(_:caller:)`` does.
    public func renew(_ renewal: LeaseRenewal, caller: Caller) -> EventLoopFuture<[LeaseOutcome]> {
        refusing { () throws(SchedulerError) in
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try check(
                FieldRules.leases(renewal.leases, field: "leases"),
                FieldRules.leaseMilliseconds(renewal.leaseMilliseconds))
            return renewal.leases.isEmpty ? eventLoop.makeSucceededFuture([]) : store.renew(renewal)
        }
    }

    /// Puts a task back to its place in its queue; answers with its record.
    ///
    /// Fails with a token error, `invalidField`, `taskNotFound`, `leaseLost`.
    public func `return`(
        _ request: TaskReturn, caller: Caller, from origin: CallOrigin? = nil
    ) -> EventLoopFuture<TaskRecord> {
        refusing { () throws(SchedulerError) in
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try check(
                FieldRules.lease(request.lease, field: "lease"), request.reason.flatMap { FieldRules.reason($0) })
            return changes.read(for: origin) {
                self.store.return(request.lease, at: self.clock.now())
            }.onLoop { outcome in
                switch outcome {
                case .done(let text):
                    self.logger.info(
                        "A task was given back",
                        metadata: ["task_id": "\(request.lease.taskID)", "reason": "\(request.reason ?? "")"])
                    return try self.record(of: text, request.lease.taskID)
                case .unknown: throw SchedulerError.notFound(request.lease.taskID)
                case .lost: throw SchedulerError.leaseLost
                }
            }
        }
    }

    /// Ends a task, completed or failed; answers with its record.
    ///
    /// Fails with a token error, `limitResult`, `invalidField`, `taskNotFound`, `leaseLost`, `taskCanceled`.
    public func finish(
        _ finish: TaskFinish, caller: Caller, from origin: CallOrigin? = nil
    ) -> EventLoopFuture<TaskRecord> {
        refusing { () throws(SchedulerError) in
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try FieldRules.checkResultSize(finish.result.readableBytes)
            try check(
                FieldRules.lease(finish.lease, field: "lease"), FieldRules.result(of: finish),
                FieldRules.error(of: finish))
            return changes.read(for: origin) {
                self.store.finish(finish, at: self.clock.now())
            }.onLoop { outcome in
                switch outcome {
                case .done(let text): return try self.record(of: text, finish.lease.taskID)
                case .unknown: throw SchedulerError.notFound(finish.lease.taskID)
                case .lost: throw SchedulerError.leaseLost
                case .canceled:
                    throw SchedulerError(.taskCanceled, "The task was canceled, and stays so")
                }
            }
        }
    }

    /// Acknowledgements that come with a `Next`: a failure of the store is each one's outcome, not the call's.
    func acknowledge(_ leases: [LeaseReference]) -> EventLoopFuture<[LeaseOutcome]> {
        acknowledgements.add(leases, weight: leases.count).flatMapErrorThrowing { error in
            let error = error as? SchedulerError ?? SchedulerError(store: error, wrote: true)
            let short = SchedulerError(error.reason, "The store did not answer", retryAfter: error.retryAfter)
            return leases.map { LeaseOutcome(taskID: $0.taskID, error: short) }
        }
    }
}
