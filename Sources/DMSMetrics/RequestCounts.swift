public import NIOCore

/// How the requests of a door ended and how long they took, by operation: numbers of a closed set, from 0.
///
/// On the way of every call, hence no generic type: another module's compiler would not see through it.
public struct RequestCounts: Sendable {
    /// What is counted of one operation.
    public struct Operation: Sendable {
        /// How many ended so, by the number of a gRPC code or of an HTTP status.
        public fileprivate(set) var outcomes: [Int: Int] = [:]
        /// How long those took that were not made to wait.
        public fileprivate(set) var durations = DurationHistogram()
    }

    /// The operations in their order.
    public private(set) var operations: [Operation]

    /// Nothing counted so far of that many operations.
    public init(operations count: Int) {
        operations = Array(repeating: Operation(), count: count)
    }

    /// Counts a request that ended; `took` is nil where its time says nothing of ours.
    public mutating func count(_ operation: Int, _ outcome: Int, took: TimeAmount?) {
        operations[operation].outcomes[outcome, default: 0] += 1
        if let took { operations[operation].durations.add(took) }
    }

    /// Counts those of another one, of the same operations, too.
    public mutating func add(_ other: RequestCounts) {
        for (place, operation) in other.operations.enumerated() {
            operations[place].outcomes.merge(operation.outcomes, uniquingKeysWith: +)
            operations[place].durations.add(operation.durations)
        }
    }
}
