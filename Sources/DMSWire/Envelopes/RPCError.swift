public import DMSModel

/// The error of a call as its caller sees it: also what a server says whose reasons or codes we do not know.
public struct RPCError: Error, Sendable, Equatable {
    /// gRPC's number.
    public var code: Int32
    /// What went wrong, in UPPER_SNAKE; empty where the server did not say.
    public var reason: String
    /// A sentence for people.
    public var message: String
    /// The fields that were refused.
    public var violations: [Violation]
    /// When to try again; nil where the server did not say.
    public var retryAfter: Duration?

    /// A field of the request, and why it was refused.
    public struct Violation: Sendable, Equatable {
        /// The field's name as the request spells it, such as `task_id`.
        public var field: String
        /// Why it was refused, for people, without the field's name.
        public var message: String

        /// A violation by one field.
        public init(field: String, message: String) {
            self.field = field
            self.message = message
        }
    }

    /// An error of that code and reason; by default without violations, and without a time to try again.
    public init(
        code: Int32, reason: String, message: String, violations: [Violation] = [], retryAfter: Duration? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retryAfter = retryAfter
    }

    /// The code by its name; nil where gRPC has no such code.
    public var statusCode: StatusCode? { StatusCode(rawValue: code) }

    /// The reason, where it is one of ours.
    public var knownReason: SchedulerError.Reason? { SchedulerError.Reason(rawValue: reason) }
}

extension RPCError {
    /// Reads a status and those of its details that we know.
    public init(_ status: RPCStatus) {
        self.init(code: status.code, reason: "", message: status.message)
        for detail in status.details {
            if let info = detail.unpacked(as: ErrorInfo.self) {
                reason = info.reason
            } else if let request = detail.unpacked(as: BadRequest.self) {
                violations += request.violations.map { Violation(field: $0.field, message: $0.text) }
            } else if let retry = detail.unpacked(as: RetryInfo.self) {
                retryAfter = retry.delay
            }
        }
    }

    /// The error as a server of ours sends it.
    public init(_ error: SchedulerError) {
        let code = error.reason.statusCode
        self.init(
            code: code.rawValue, reason: error.reason.rawValue, message: error.message,
            violations: error.violations.map { Violation(field: $0.field, message: $0.message) },
            retryAfter: error.retryAfter ?? RPCError.retryAfter(of: code))
    }

    /// What clients are told where the error itself does not say when to try again.
    private static let retryAfterDefault = Duration.seconds(1)

    private static func retryAfter(of code: StatusCode) -> Duration? {
        code == .unavailable || code == .resourceExhausted ? retryAfterDefault : nil
    }
}

extension RPCError: CustomStringConvertible {
    /// The reason, or the code where there is none, and the message where there is one.
    public var description: String {
        let name = reason.isEmpty ? statusCode.map { "\($0)" } ?? "code \(code)" : reason
        return message.isEmpty ? name : "\(name): \(message)"
    }
}

extension RPCStatus {
    /// The status of an error, with the details that belong to it.
    public init(_ error: RPCError) {
        self.init(code: error.code, message: error.message)
        if !error.reason.isEmpty { details.append(PackedMessage(packing: ErrorInfo(reason: error.reason))) }
        if !error.violations.isEmpty {
            let violations = error.violations.map { BadRequest.Violation(field: $0.field, text: $0.message) }
            details.append(PackedMessage(packing: BadRequest(violations: violations)))
        }
        if let delay = error.retryAfter { details.append(PackedMessage(packing: RetryInfo(delay: delay))) }
    }

    /// The status of an error of the service layer.
    public init(_ error: SchedulerError) { self.init(RPCError(error)) }
}

extension SchedulerError {
    /// The error of the service layer that a server reported; nil where its reason is none of ours.
    ///
    /// What kind of violation a field had is not sent; all are taken for ``FieldViolation/Kind/outOfRange``.
    public init?(_ error: RPCError) {
        guard let reason = error.knownReason else { return nil }
        self.init(
            reason, error.message,
            violations: error.violations.map {
                FieldViolation(field: $0.field, kind: .outOfRange, message: $0.message)
            }, retryAfter: error.retryAfter)
    }
}
