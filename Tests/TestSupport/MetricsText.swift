/// Figures in Prometheus's text format, taken apart by its rules and not by how we happen to write it.
package struct MetricsText {
    /// The values by name and labels as they stand there, such as `dms_tasks_queued{priority="low"}`.
    package private(set) var samples: [String: Double] = [:]
    /// The kinds by name.
    package private(set) var kinds: [String: String] = [:]

    /// Throws where a line is none of the format, a name comes in two places, or a sample comes twice.
    package init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw TestFailure("the last line has no end") }
        var current = ""
        var helped: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let match = line.wholeMatch(of: /# HELP ([a-z_]+) (.+)/) {
                guard helped.insert(String(match.1)).inserted else { throw TestFailure("in two places: \(line)") }
                current = String(match.1)
            } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
                guard match.1 == current, kinds[current] == nil else { throw TestFailure("misplaced: \(line)") }
                kinds[current] = String(match.2)
            } else if let match = line.wholeMatch(
                of: /([a-z_]+)((?:\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})?) (\S+)/)
            {
                guard let value = Double(match.3) else { throw TestFailure("no number: \(line)") }
                let suffixes = kinds[current] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard suffixes.contains(where: { match.1 == current + $0 }) else {
                    throw TestFailure("misplaced: \(line)")
                }
                let sample = String(match.1) + match.2
                guard samples.updateValue(value, forKey: sample) == nil else { throw TestFailure("twice: \(line)") }
            } else {
                throw TestFailure("no line of the format: \(line)")
            }
        }
    }

    /// The value of a sample, spelt as ``samples`` has it.
    package subscript(_ sample: String) -> Double? { samples[sample] }
}
