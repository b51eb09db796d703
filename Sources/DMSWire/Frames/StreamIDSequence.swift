/// Checks the stream ids that a client chooses: odd, and each greater than all before it.
public struct StreamIDSequence: Sendable {
    /// The greatest id so far; 0 before the first.
    public private(set) var last: UInt32 = 0

    /// The sequence of a new connection, on which any odd id may come first.
    public init() {}

    /// Uses an id up; false where it breaks the rule, after which the connection is of no more use.
    public mutating func accept(_ id: UInt32) -> Bool {
        guard id % 2 == 1, id > last else { return false }
        last = id
        return true
    }
}
