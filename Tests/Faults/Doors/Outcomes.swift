import DMSModel
import FaultLedger

extension Outcome {
    /// What an error of the scheduler says of what was done; nil where no such error may come to a call of ours.
    init?(_ reason: SchedulerError.Reason) {
        switch reason {
        case .taskNotFound, .taskExists, .taskNotQueued, .taskFinished, .taskCanceled, .leaseLost, .notOwner,
            .submissionsBlocked:
            self = .refused(reason)
        case .storeUnavailable, .storeFull, .draining, .limitConnections, .limitWaiters, .limitRate, .limitReads,
            .limitQueued:
            self = .notDone(reason.rawValue)
        case .outcomeUnknown, .deadlineExceeded, .cancelled:
            self = .unknown(reason.rawValue)
        case .tokenRequired, .tokenInvalid, .tokenNotConfigured, .limitBody, .limitFrame, .limitParameters,
            .limitResult, .limitHead, .crossSite, .hostUnknown, .codingUnknown,
            .methodUnknown, .methodNotAllowed, .serviceUnknown, .invalidField, .malformed:
            return nil
        }
    }
}

/// An answer that no scheduler of ours may give.
struct StrangeAnswer: Error, CustomStringConvertible {
    var description: String
}
