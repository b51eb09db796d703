public import DMSModel
public import NIOCore

/// What submitters ask for.
extension SchedulerService {
    /// Hands out the next tasks, best priority first; no task is an answer too.
    ///
    /// One script call serves every caller of a tick, so the cost falls as the load grows. Fails with a token error,
    /// `invalidField`, or `notImplemented` where the request asks to wait, for a lease, for a replay or for acks.
    public func next(_ request: NextRequest, caller: Caller) -> EventLoopFuture<NextAnswer> {
        refusing { () throws(SchedulerError) in
            if let refusal = tokens.submitterRefusal(caller) { throw refusal }
            try check(
                FieldRules.range(request.maxTasks, field: "max_tasks", 0...Limits.nextTasksMax),
                FieldRules.range(request.waitMilliseconds, field: "wait_ms", 0...Limits.nextWaitMillisecondsMax),
                request.leaseMilliseconds == 0
                    ? nil
                    : FieldRules.range(
                        request.leaseMilliseconds, field: "lease_ms",
                        Limits.leaseMillisecondsMin...Limits.leaseMillisecondsMax),
                FieldRules.optionalName(request.submitterID, field: "submitter_id"),
                FieldRules.optionalName(request.requestID, field: "request_id"))
            guard request.waitMilliseconds == 0, request.leaseMilliseconds == 0, request.requestID.isEmpty,
                request.acks.isEmpty
            else {
                throw SchedulerError(
                    .notImplemented, "wait_ms, lease_ms, request_id and acks are not implemented yet")
            }
            return dispatcher.next(max(1, Int(request.maxTasks)), submitterID: request.submitterID)
                .map { NextAnswer(tasks: $0) }
        }
    }
}
