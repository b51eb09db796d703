/// gRPC's status codes, by their numbers.
public enum StatusCode: Int32, Sendable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}

/// One table for both doors: what each reason is as a gRPC code and as an HTTP status.
extension SchedulerError.Reason {
    /// The code that the binary door answers with.
    public var statusCode: StatusCode { codes.grpc }

    /// The status that the REST door answers with.
    public var httpStatus: Int { codes.http }

    private var codes: (grpc: StatusCode, http: Int) {
        switch self {
        case .taskNotFound: (.notFound, 404)
        case .taskExists: (.alreadyExists, 409)
        case .taskNotQueued: (.failedPrecondition, 400)
        case .taskFinished, .taskCanceled, .leaseLost: (.failedPrecondition, 409)
        case .tokenRequired, .tokenInvalid, .tokenNotConfigured, .notOwner, .crossSite, .hostUnknown:
            (.permissionDenied, 403)
        case .submissionsBlocked, .storeUnavailable, .draining: (.unavailable, 503)
        case .outcomeUnknown: (.unknown, 500)
        case .storeFull: (.resourceExhausted, 507)
        case .limitConnections, .limitWaiters, .limitQueued, .limitRate, .limitReads: (.resourceExhausted, 429)
        case .limitBody, .limitFrame, .limitParameters, .limitResult: (.resourceExhausted, 413)
        case .limitHead: (.resourceExhausted, 431)
        case .methodUnknown: (.unimplemented, 404)
        case .methodNotAllowed: (.unimplemented, 405)
        case .codingUnknown: (.unimplemented, 501)
        case .serviceUnknown: (.notFound, 404)
        case .deadlineExceeded: (.deadlineExceeded, 504)
        case .cancelled: (.cancelled, 499)
        case .invalidField, .malformed: (.invalidArgument, 422)
        }
    }
}
