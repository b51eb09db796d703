/// Why a call was refused or failed; both doors and the clients speak of errors in these terms.
public struct SchedulerError: Error, Sendable, Equatable {
    /// What went wrong: the contract.
    ///
    /// The table of codes stands in `ErrorTable.swift`.
    public var reason: Reason
    /// A sentence for people.
    public var message: String
    /// The fields that were refused; only of ``Reason/invalidField``.
    public var violations: [FieldViolation]
    /// When to try again; nil where trying again does not help.
    public var retryAfter: Duration?
    /// Whether a token that came with the call is wrong, whatever the call failed of: the doors take their time then.
    public var bearsWrongToken = false

    /// An error of that reason; by default without violations, and without a time to try again.
    public init(
        _ reason: Reason, _ message: String, violations: [FieldViolation] = [], retryAfter: Duration? = nil
    ) {
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retryAfter = retryAfter
    }

    /// Fields of a request that may not be as they are; the message names them.
    public static func invalid(_ violations: [FieldViolation]) -> SchedulerError {
        let sentences = violations.map { "\($0.field): \($0.message)" }.joined(separator: "; ")
        return SchedulerError(.invalidField, sentences, violations: violations)
    }
}

extension SchedulerError: CustomStringConvertible {
    /// The reason in UPPER_SNAKE and the message, for logs.
    public var description: String { "\(reason.rawValue): \(message)" }
}

/// A field of a request, and why it was refused.
public struct FieldViolation: Sendable, Equatable {
    /// The field's name as the request spells it, such as `task_id`.
    public var field: String
    /// The rule that the field breaks, with its bound where it has one.
    public var kind: Kind
    /// A sentence for people, without the field's name.
    public var message: String

    /// What is wrong with the field.
    public enum Kind: Sendable, Equatable {
        case missing
        case tooShort(minimumBytes: Int)
        case tooLong(maximumBytes: Int)
        case controlCharacter
        case reserved
        case notAnObject
        case invalidJSON
        case tooDeep
        case outOfRange
        case foreignToken
    }

    /// A violation of one rule by one field.
    public init(field: String, kind: Kind, message: String) {
        self.field = field
        self.kind = kind
        self.message = message
    }
}
