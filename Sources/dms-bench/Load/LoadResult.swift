import Foundation

/// What the rounds of one measurement came to, peer by peer; the first peer is the floor of the others' ratios, unless they name another.
struct LoadResult: Encodable, CustomStringConvertible {
    /// A figure's median over the rounds, and its extremes.
    struct Spread: Encodable {
        var median: Double
        var least: Double
        var most: Double

        init(_ values: [Double]) {
            median = values.median
            least = values.min() ?? 0
            most = values.max() ?? 0
        }
    }

    struct Peer: Encodable {
        var name: String
        var callsPerSecond: Spread
        var p50Microseconds: Spread
        var p99Microseconds: Spread
        /// For 100 000 calls, of the servers that took part.
        var processorSeconds: Spread
        /// To the floor, in the same round.
        var throughputRatio: Spread
        var p50Ratio: Spread
        var p99Ratio: Spread
        var processorRatio: Spread
    }

    var call: String
    var connections: Int
    var depth: Int
    var peers: [Peer]

    init(call: String, point: LoadPoint, rounds: [LoadBench.Round]) {
        self.call = call
        connections = point.connections
        depth = point.depth
        peers = (rounds.first ?? []).indices.map { index in
            func values(_ field: KeyPath<LoadDriver.Figures, Double>) -> Spread {
                Spread(rounds.map { $0[index].figures[keyPath: field] })
            }
            func ratios(_ field: KeyPath<LoadDriver.Figures, Double>) -> Spread {
                Spread(rounds.map { $0[index].figures[keyPath: field] / $0[$0[index].floor].figures[keyPath: field] })
            }
            return Peer(
                name: rounds[0][index].name, callsPerSecond: values(\.callsPerSecond), p50Microseconds: values(\.p50),
                p99Microseconds: values(\.p99), processorSeconds: values(\.processorTime),
                throughputRatio: ratios(\.callsPerSecond), p50Ratio: ratios(\.p50), p99Ratio: ratios(\.p99),
                processorRatio: ratios(\.processorTime))
        }
    }

    static let heading =
        "    point     per s   p50 µs   p99 µs  CPU s/100k   throughput         p50                p99                CPU"

    var description: String {
        peers.enumerated().map { index, peer in
            let figures = String(
                format: "%9.0f %8.0f %8.0f %11.2f", peer.callsPerSecond.median, peer.p50Microseconds.median,
                peer.p99Microseconds.median, peer.processorSeconds.median)
            let ratios =
                index == 0
                ? ""
                : [peer.throughputRatio, peer.p50Ratio, peer.p99Ratio, peer.processorRatio].map {
                    String(format: "%.2f [%.2f..%.2f]", $0.median, $0.least, $0.most)
                }.joined(separator: "  ")
            let point = "\(connections) x \(depth)"
            return
                "\(String(repeating: " ", count: max(9 - point.count, 0)))\(point) \(figures)   \(ratios)  \(peer.name)"
        }.joined(separator: "\n")
    }
}

extension [LoadResult] {
    /// Writes the figures as JSON.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
