/// Rows of a label and a value, the values under one another.
struct Table {
    private struct Row {
        var label: String
        var value: String
    }

    private static let gap = 2

    private var rows: [Row] = []
    /// Whether values end, rather than begin, under one another, as numbers do.
    let alignsRight: Bool

    init(alignsRight: Bool = false) { self.alignsRight = alignsRight }

    mutating func add(_ label: String, _ value: String) { rows.append(Row(label: label, value: value)) }

    /// A value of several lines, which stand under one another; none at all is an empty one.
    mutating func add(_ label: String, _ lines: [String]) {
        rows.append(Row(label: label, value: lines.joined(separator: "\n")))
    }

    mutating func add(_ label: String, _ value: UInt64) { add(label, String(value)) }

    /// The rows, each on a line of its own or several, without a line break at the end.
    var text: String {
        let labelWidth = rows.map(\.label.count).max() ?? 0
        let valueWidth = alignsRight ? rows.map(\.value.count).max() ?? 0 : 0
        return rows.map { row in
            let space = labelWidth - row.label.count + Table.gap + max(0, valueWidth - row.value.count)
            let margin = "\n" + String(repeating: " ", count: labelWidth + Table.gap)
            return row.label + String(repeating: " ", count: space) + row.value.replacing("\n", with: margin)
        }.joined(separator: "\n")
    }
}
