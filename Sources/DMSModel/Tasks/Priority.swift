/// How urgent a task is; all `high` tasks are handed out before any `mid`, and all `mid` before any `low`.
public enum Priority: String, Sendable, CaseIterable, Comparable {
    case low
    case mid
    case high

    /// From the most urgent to the least: the order of hand-out.
    public static let handOutOrder: [Priority] = [.high, .mid, .low]

    /// Less urgent is less: `low` before `mid` before `high`.
    public static func < (left: Priority, right: Priority) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .low: 0
        case .mid: 1
        case .high: 2
        }
    }
}
