/// A task's name: 1 to 256 bytes of UTF-8, chosen by whoever submits it.
///
/// Ids are compared byte for byte, as Redis compares them: `String ==` would take two spellings of one `é` for the same.
public struct TaskID: Sendable, Hashable, CustomStringConvertible {
    /// The id as text.
    public let text: String

    /// Takes any text; whether it may name a new task is decided by ``FieldRules``.
    public init(_ text: String) { self.text = text }

    /// Whether both ids are the same bytes of UTF-8.
    public static func == (left: TaskID, right: TaskID) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Hashes the id's bytes, as equality compares them.
    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }

    /// The id as text, unchanged.
    public var description: String { text }
}
