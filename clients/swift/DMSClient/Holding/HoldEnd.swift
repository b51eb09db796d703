/// Why a task is no longer its holder's to work on.
public enum HoldEnd: Sendable, Equatable {
    /// Somebody canceled the task: the holder is to wind down, and need not report anything.
    case canceled
    /// The lease ended, or another holds the task: whatever the holder reports is refused.
    case lost
    /// The holder finished the task, or returned it.
    case reported
}
