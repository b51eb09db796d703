public import NIOCore

/// What a command found, in both forms that it may be printed in.
public struct CommandReport: Sendable {
    /// For people; no line break at the end, and nothing at all where there is nothing to say.
    public var text: String
    /// For programs: one JSON object.
    public var json: ByteBuffer
    /// How the program ends.
    public var status: CommandStatus
    /// What is done where the report can't be printed; it returns a sentence on what became of that.
    public var whenLost: (@Sendable () async -> String)?

    /// A report of these two forms; by default that of a success.
    public init(text: String, json: ByteBuffer, status: CommandStatus = .success) {
        self.text = text
        self.json = json
        self.status = status
    }

    init(text: String, status: CommandStatus = .success, json write: (inout ByteBuffer) -> Void) {
        var json = ByteBuffer()
        write(&json)
        self.init(text: text, json: json, status: status)
    }
}
