import DMSModel
import RedisLink

extension SchedulerError {
    /// What a failure of Redis means to a caller, by what is known of the command's fate.
    ///
    /// `wrote` says whether the command could have changed anything. Redis refuses a script before its first write or not
    /// at all in the states that have a code of their own; after any other error it may have written.
    init(store error: any Error, wrote: Bool) {
        guard let error = error as? RedisError else {
            self = wrote ? .outcomeUnknown("\(error)") : .storeUnavailable("\(error)")
            return
        }
        switch error {
        case .unavailable(let sentence): self = .storeUnavailable(sentence)
        case .outcomeUnknown(let sentence), .unexpectedReply(let sentence):
            self = wrote ? .outcomeUnknown(sentence) : .storeUnavailable(sentence)
        case .reply(let code, let message):
            if code == "OOM" {
                self.init(.storeFull, "Redis has no memory left: \(message)", retryAfter: .seconds(5))
            } else if SchedulerError.refusals.contains(code) || !wrote {
                self = .storeUnavailable("Redis refused: \(code) \(message)")
            } else {
                self = .outcomeUnknown("Redis answered: \(code) \(message)")
            }
        }
    }

    /// Error codes with which Redis refuses a command as a whole, or our scripts before their first write.
    private static let refusals: Set<String> = [
        "LOADING", "READONLY", "MASTERDOWN", "BUSY", "MISCONF", "NOREPLICAS", "NOAUTH", "NOPERM", "WRONGPASS",
        "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "WRONGTYPE", "BADSTATE", "UNKILLABLE", "NOSCRIPT",
    ]

    private static func storeUnavailable(_ sentence: String) -> SchedulerError {
        SchedulerError(.storeUnavailable, "The store is not available: \(sentence)", retryAfter: .seconds(1))
    }

    private static func outcomeUnknown(_ sentence: String) -> SchedulerError {
        SchedulerError(.outcomeUnknown, "Whether this was done is not known: \(sentence)")
    }
}
