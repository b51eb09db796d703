import Foundation

/// A record of `Tests/Vectors/records.json`: a text, and what it is in the scheduler's own form.
public struct RecordVector: Decodable, Sendable, CustomStringConvertible {
    /// What is special about it.
    public var name: String
    /// The id of the task whose record it is.
    public var id: String
    /// The record in the scheduler's own form; nil where the text is no record of that task.
    public var form: String?
    private var text: String?
    private var hex: String?

    /// The text's bytes.
    public var bytes: [UInt8] {
        guard let hex else { return Array((text ?? "").utf8) }
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }

    /// The record's name.
    public var description: String { name }

    /// Every record of the file.
    public static func all() throws -> [RecordVector] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appending(path: "Vectors/records.json")
        return try JSONDecoder().decode([RecordVector].self, from: Data(contentsOf: file))
    }
}
