import DMSModel

/// Who may do what, by the tokens that came with a call.
struct TokenCheck {
    private let operatorToken: String?
    private let submitterToken: String?

    init(_ configuration: SchedulerConfiguration) {
        operatorToken = configuration.operatorToken
        submitterToken = configuration.submitterToken
    }

    /// Why the caller may not act as an operator; nil where it may.
    func operatorRefusal(_ caller: Caller) -> SchedulerError? {
        guard let expected = operatorToken else {
            return SchedulerError(
                .tokenNotConfigured, "No operator token is configured, so this is closed to everybody")
        }
        guard let given = caller.operatorToken else {
            return SchedulerError(.tokenRequired, "The operator token is needed")
        }
        return isSame(given, expected) ? nil : SchedulerError(.tokenInvalid, "The operator token is wrong")
    }

    /// Why the caller may not fetch tasks; nil where it may, which is everybody unless a submitter token is configured.
    func submitterRefusal(_ caller: Caller) -> SchedulerError? {
        guard let expected = submitterToken else { return nil }
        if caller.operatorToken != nil, operatorRefusal(caller) == nil { return nil }
        guard let given = caller.submitterToken else {
            return SchedulerError(.tokenRequired, "The submitter token is needed")
        }
        return isSame(given, expected) ? nil : SchedulerError(.tokenInvalid, "The submitter token is wrong")
    }

    /// Compares in a time that depends on the given text's length only, not on how much of it is right.
    private func isSame(_ given: String, _ expected: String) -> Bool {
        let expected = Array(expected.utf8)
        var difference: UInt8 = given.utf8.count == expected.count ? 0 : 1
        for (index, byte) in given.utf8.enumerated() { difference |= byte ^ expected[index % expected.count] }
        return difference == 0
    }
}
