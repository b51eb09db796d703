import DMSModel
import Testing

/// The contract's table of errors, spelled out: reason, number of the gRPC code, HTTP status.
@Suite struct ErrorTableTests {
    static let table: [(reason: String, code: Int32, httpStatus: Int)] = [
        ("TASK_NOT_FOUND", 5, 404),
        ("TASK_EXISTS", 6, 409),
        ("TASK_NOT_QUEUED", 9, 400),
        ("TOKEN_REQUIRED", 7, 403),
        ("TOKEN_INVALID", 7, 403),
        ("TOKEN_NOT_CONFIGURED", 7, 403),
        ("NOT_OWNER", 7, 403),
        ("LEASE_LOST", 9, 409),
        ("SUBMISSIONS_BLOCKED", 14, 503),
        ("STORE_UNAVAILABLE", 14, 503),
        ("OUTCOME_UNKNOWN", 2, 500),
        ("STORE_FULL", 8, 507),
        ("LIMIT_CONNECTIONS", 8, 429),
        ("LIMIT_WAITERS", 8, 429),
        ("LIMIT_QUEUED", 8, 429),
        ("LIMIT_RATE", 8, 429),
        ("LIMIT_READS", 8, 429),
        ("LIMIT_BODY", 8, 413),
        ("LIMIT_FRAME", 8, 413),
        ("LIMIT_PARAMETERS", 8, 413),
        ("LIMIT_RESULT", 8, 413),
        ("TASK_FINISHED", 9, 409),
        ("TASK_CANCELED", 9, 409),
        ("METHOD_UNKNOWN", 12, 404),
        ("SERVICE_UNKNOWN", 5, 404),
        ("DEADLINE_EXCEEDED", 4, 504),
        // No HTTP answer is ever sent for it; the number is for logs and metrics.
        ("CANCELLED", 1, 499),
        ("INVALID_FIELD", 3, 422),
        ("MALFORMED", 3, 422),
        ("DRAINING", 14, 503),
        // The REST door's own 405.
        ("METHOD_NOT_ALLOWED", 12, 405),
        // Of the REST server alone.
        ("CROSS_SITE", 7, 403),
        ("HOST_UNKNOWN", 7, 403),
        ("LIMIT_HEAD", 8, 431),
        ("CODING_UNKNOWN", 12, 501),
    ]

    @Test func `every reason has the code and the HTTP status of the contract`() throws {
        for row in ErrorTableTests.table {
            let reason = try #require(SchedulerError.Reason(rawValue: row.reason))
            #expect(reason.statusCode.rawValue == row.code, "\(row.reason)")
            #expect(reason.httpStatus == row.httpStatus, "\(row.reason)")
        }
    }

    @Test func `the table has every reason once`() {
        #expect(ErrorTableTests.table.map(\.reason).sorted() == SchedulerError.Reason.allCases.map(\.rawValue).sorted())
    }

    @Test func `the codes have gRPC's numbers`() {
        let codes: [StatusCode] = [
            .ok, .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists,
            .permissionDenied,
            .resourceExhausted, .failedPrecondition, .aborted, .outOfRange, .unimplemented, .internal, .unavailable,
            .dataLoss, .unauthenticated,
        ]
        #expect(codes.map(\.rawValue) == Array(0...16))
    }

    @Test func `an error of bad fields names each of them`() {
        let violations = [
            FieldViolation(field: "task_id", kind: .missing, message: "Field required"),
            FieldViolation(field: "service", kind: .tooLong(maximumBytes: 256), message: "Too long"),
        ]
        let error = SchedulerError.invalid(violations)
        #expect(error.reason == .invalidField)
        #expect(error.violations == violations)
        #expect(error.message == "task_id: Field required; service: Too long")
        #expect(error.retryAfter == nil)
        #expect(error.description == "INVALID_FIELD: task_id: Field required; service: Too long")
    }
}
