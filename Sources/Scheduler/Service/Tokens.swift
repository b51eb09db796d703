/// The tokens that open what is closed.
///
/// Several of a kind are good at the same time, so that one can be replaced while callers still have the other.
public struct Tokens: Sendable, Equatable {
    /// How many of a kind there may be: each costs a comparison.
    public static let countMax = 16
    /// Any of them opens the admin operations and the priorities `mid` and `high`; none closes them to everybody.
    public var operators: [String]
    /// Where there are any, fetching tasks needs one of them, or an operator's.
    public var submitters: [String]

    /// Empty tokens are none.
    public init(operators: [String] = [], submitters: [String] = []) {
        self.operators = operators.filter { !$0.isEmpty }
        self.submitters = submitters.filter { !$0.isEmpty }
    }
}
