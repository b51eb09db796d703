import ArgumentParser

/// How many connections, and how many calls in flight on each.
struct LoadPoint: ExpressibleByArgument, Sendable, CustomStringConvertible {
    var connections: Int
    var depth: Int

    init?(argument: String) {
        let numbers = argument.split(separator: "x").compactMap { Int($0) }
        guard numbers.count == 2, numbers.allSatisfy({ (1...10_000).contains($0) }) else { return nil }
        (connections, depth) = (numbers[0], numbers[1])
    }

    init(_ connections: Int, _ depth: Int) { (self.connections, self.depth) = (connections, depth) }

    static let usual = [LoadPoint(1, 1), LoadPoint(16, 1), LoadPoint(64, 1), LoadPoint(64, 4), LoadPoint(64, 16)]

    /// As many calls in flight, each on a connection of its own.
    var spread: LoadPoint { LoadPoint(connections * depth, 1) }

    /// Calls that take about a second.
    var calls: Int {
        switch connections * depth {
        case 1: 8000
        case 2...32: 30_000
        case 33...128: 50_000
        default: 100_000
        }
    }

    var description: String { "\(connections) x \(depth)" }
}
