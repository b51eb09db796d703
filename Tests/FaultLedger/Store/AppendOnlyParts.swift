/// The files that a Redis keeps its writes in, as its manifest names them.
public struct AppendOnlyParts: Sendable, Equatable {
    /// What all began with: a copy of the data, or nothing.
    public var base: String?
    /// What was written since, in its order.
    public var increments: [String] = []

    /// Reads a manifest: a line for each file, `file NAME seq NUMBER type b|i|h`; those of the type h are history.
    public init(manifest: String) {
        for line in manifest.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 6, words[0] == "file", words[4] == "type" else { continue }
            switch words[5] {
            case "b": base = words[1]
            case "i": increments.append(words[1])
            default: break
            }
        }
    }
}

/// A write that is put among the others so that its place can be found in every server's files.
public struct AppendOnlyMark: Sendable, Equatable {
    /// The key that it goes to; not one of the scheduler's.
    public static let key = "faults:mark"

    /// What is written; no two marks have the same.
    public var value: String

    /// A mark with that value.
    public init(_ value: String) { self.value = value }

    /// The command that writes it.
    public var command: [String] { ["SET", AppendOnlyMark.key, value] }

    /// What it looks like in a file.
    public var bytes: [UInt8] {
        Array(("*3\r\n" + command.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }
}
