public import NIOCore

/// How the requests of a door ended and how long they took, by operation: numbers of a closed set, from 0.
public struct RequestCounts<Outcome: Hashable & Sendable>: Sendable {
    /// What is counted of one operation.
    public struct Operation: Sendable {
        /// How many ended so.
        public fileprivate(set) var outcomes: [Outcome: Int] = [:]
        /// How long those took that did not wait for a task.
        public fileprivate(set) var durations = DurationHistogram()
    }

    /// The operations in their order.
    public private(set) var operations: [Operation]

    /// Nothing counted so far of that many operations.
    public init(operations count: Int) {
        operations = Array(repeating: Operation(), count: count)
    }

    /// Counts a request that ended; `took` is nil where its time says nothing of ours.
    public mutating func count(_ operation: Int, _ outcome: Outcome, took: TimeAmount?) {
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
