/// Why a test can't go on.
public struct TestFailure: Error, CustomStringConvertible {
    /// What was expected and did not come about.
    public var description: String

    /// A failure with that explanation.
    public init(_ description: String) { self.description = description }
}

/// Waits until the condition holds; throws when the time is over.
public func eventually(
    within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TestFailure("what was waited for did not happen in \(limit)")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
