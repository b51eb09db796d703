import DMSModel

/// Who may do what, by the tokens that came with a call.
struct TokenCheck {
    /// What a call needs that came without the operator token; metadata and headers of that name carry it.
    static let operatorTokenNeeded = SchedulerError(
        .tokenRequired, "The operator token is needed, in X-DMS-Operator-Token")

    private let operators: [[UInt8]]
    private let submitters: [[UInt8]]

    init(_ tokens: Tokens) {
        operators = tokens.operators.map { Array($0.utf8) }
        submitters = tokens.submitters.map { Array($0.utf8) }
    }

    /// Why the caller may not act as an operator; nil where it may.
    func operatorRefusal(_ caller: Caller) -> SchedulerError? {
        guard !operators.isEmpty else {
            return SchedulerError(
                .tokenNotConfigured,
                "No operator token is configured (DMS_OPERATOR_TOKEN), so this is closed to everybody")
        }
        guard let given = caller.operatorToken else {
            return TokenCheck.operatorTokenNeeded
        }
        return isAny(given, of: operators)
            ? nil : TokenCheck.wrong("The operator token in X-DMS-Operator-Token is wrong")
    }

    /// Why the caller may not fetch tasks; nil where it may, which is everybody unless a submitter token is configured.
    func submitterRefusal(_ caller: Caller) -> SchedulerError? {
        guard !submitters.isEmpty else { return nil }
        let isOperator = isOperator(caller)
        if isOperator == true { return nil }
        guard let given = caller.submitterToken else {
            var error = SchedulerError(.tokenRequired, "The submitter token is needed, in X-DMS-Submitter-Token")
            error.bearsWrongToken = isOperator == false
            return error
        }
        return isAny(given, of: submitters)
            ? nil : TokenCheck.wrong("The submitter token in X-DMS-Submitter-Token is wrong")
    }

    /// Whether the operator token that came with the call is right; nil where none came, or none could be.
    func isOperator(_ caller: Caller) -> Bool? {
        guard !operators.isEmpty, let given = caller.operatorToken else { return nil }
        return isAny(given, of: operators)
    }

    private static func wrong(_ message: String) -> SchedulerError {
        var error = SchedulerError(.tokenInvalid, message)
        error.bearsWrongToken = true
        return error
    }

    /// Compares in a time that depends on the given text's length and the number of tokens, not on how much of it is
    /// right or which one it is like.
    private func isAny(_ given: String, of tokens: [[UInt8]]) -> Bool {
        var isAny = false
        for token in tokens {
            var difference: UInt8 = given.utf8.count == token.count ? 0 : 1
            for (index, byte) in given.utf8.enumerated() { difference |= byte ^ token[index % token.count] }
            // No short cut: the others are compared all the same.
            isAny = difference == 0 || isAny
        }
        return isAny
    }
}
