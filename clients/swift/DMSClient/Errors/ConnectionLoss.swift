/// Why a connection ended.
enum ConnectionLoss: Sendable, Equatable {
    /// The server closed it; half a sentence says what was going on.
    case closedByServer(String)
    /// Reading or writing failed.
    case failed(String)
    /// We closed it, for what the server sent.
    case violation(String)
    /// We closed it, because its server has stopped answering.
    case stuck(String)

    var isViolation: Bool {
        if case .violation = self { true } else { false }
    }

    var cause: String {
        switch self {
        case .closedByServer(let cause), .failed(let cause), .violation(let cause), .stuck(let cause): cause
        }
    }
}
