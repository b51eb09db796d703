import DMSModel
public import DMSWire

/// Why a call did not succeed.
public enum DMSClientError: Error, Sendable, Equatable {
    /// The server answered with an error: it refused the call, or could not do it.
    case rpc(RPCError)
    /// No connection came about in time; the server has seen nothing of the call.
    case unreachable(ServerAddress, cause: String)
    /// Something else than a scheduler answers there, and at all other addresses of the client; nothing was done.
    case noScheduler(ServerAddress, cause: String)
    /// The connection was lost, also when the call was repeated; it changed nothing.
    case connectionLost(cause: String)
    /// The connection was lost after the call was sent: the server may have done it, or not.
    case outcomeUnknown(cause: String)
    /// The call's time was up.
    case deadlineExceeded(outcomeUnknown: Bool)
    /// The task that made the call was canceled.
    case cancelled(outcomeUnknown: Bool)
    /// The server sent what it may not send.
    case protocolViolation(String, outcomeUnknown: Bool)
    /// The request does not fit a frame, and was not sent.
    case requestTooLarge
    /// The client was closed.
    case closed

    /// Whether the server may have done what the call asks for, although it failed.
    ///
    /// Never of a call that only reads.
    public var isOutcomeUnknown: Bool {
        switch self {
        case .rpc(let error): error.knownReason == .outcomeUnknown
        case .outcomeUnknown: true
        case .deadlineExceeded(let outcomeUnknown), .cancelled(let outcomeUnknown): outcomeUnknown
        case .protocolViolation(_, let outcomeUnknown): outcomeUnknown
        case .unreachable, .noScheduler, .connectionLost, .requestTooLarge, .closed: false
        }
    }

    /// What the server answered; nil where the error is none of its.
    public var rpcError: RPCError? {
        guard case .rpc(let error) = self else { return nil }
        return error
    }
}

extension DMSClientError: CustomStringConvertible {
    private static let unknown = "; whether the call was done is not known"

    /// A sentence for people; says so where the call may have been done.
    public var description: String {
        switch self {
        case .rpc(let error):
            error.description
        case .unreachable(let address, let cause):
            "The scheduler at \(address) cannot be reached: \(cause)"
        case .noScheduler(let address, let cause):
            "What answers at \(address) is no scheduler: \(cause)"
        case .connectionLost(let cause):
            "The connection to the scheduler was lost: \(cause)"
        case .outcomeUnknown(let cause):
            "The connection to the scheduler was lost: \(cause)\(DMSClientError.unknown)"
        case .deadlineExceeded(let outcomeUnknown):
            "The call's time was up before the answer came\(outcomeUnknown ? DMSClientError.unknown : "")"
        case .cancelled(let outcomeUnknown):
            "The call was given up\(outcomeUnknown ? DMSClientError.unknown : "")"
        case .protocolViolation(let what, let outcomeUnknown):
            "The server does not keep to the protocol: \(what)\(outcomeUnknown ? DMSClientError.unknown : "")"
        case .requestTooLarge:
            "The request is larger than the \(FrameLimits.dataBytesMax) bytes that a frame may carry"
        case .closed:
            "The client was closed"
        }
    }
}
