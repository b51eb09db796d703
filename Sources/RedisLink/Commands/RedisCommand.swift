public import NIOCore

/// One command, written as RESP while it is built.
public struct RedisCommand: Sendable {
    /// Whether the command changes nothing: then a connection that falls before its answer means
    /// ``RedisError/unavailable(_:)``, not ``RedisError/outcomeUnknown(_:)``.
    public var readOnly: Bool
    private(set) var wordCount = 1
    private(set) var words: ByteBuffer

    /// Begins a command; `arguments` is the number of arguments to make room for, not a promise.
    public init(_ name: String, arguments: Int = 0, readOnly: Bool = false) {
        self.readOnly = readOnly
        self.words = ByteBufferAllocator().buffer(capacity: 16 + name.utf8.count + 24 * arguments)
        words.writeRESPString(name)
    }

    /// A command of these words.
    public init(_ name: String, _ arguments: String..., readOnly: Bool = false) {
        self.init(name, arguments: arguments.count, readOnly: readOnly)
        for argument in arguments { append(argument) }
    }

    /// A command of these words.
    public init(_ name: String, _ arguments: [RedisArgument], readOnly: Bool = false) {
        self.init(name, arguments: arguments.count, readOnly: readOnly)
        for argument in arguments { append(argument) }
    }

    /// A command of these words, of which there is at least one.
    public init(_ words: [String], readOnly: Bool = false) {
        guard let name = words.first else { preconditionFailure("a command has a name") }
        self.init(name, arguments: words.count - 1, readOnly: readOnly)
        for word in words.dropFirst() { append(word) }
    }

    /// A command of words that are written already.
    init(words: ByteBuffer, wordCount: Int) {
        self.words = words
        self.wordCount = wordCount
        readOnly = false
    }

    /// Logs in.
    static func login(user: String?, password: String) -> RedisCommand {
        var command = RedisCommand("AUTH")
        if let user { command.append(user) }
        command.append(password)
        return command
    }

    /// Adds a text as UTF-8.
    public mutating func append(_ text: String) {
        words.writeRESPString(text)
        wordCount += 1
    }

    /// Adds the buffer's readable bytes.
    public mutating func append(_ bytes: ByteBuffer) {
        words.writeRESPString(bytes)
        wordCount += 1
    }

    /// Adds a number as decimal text.
    public mutating func append(_ integer: Int) {
        words.writeRESPString(integer)
        wordCount += 1
    }

    /// Adds a word of any kind.
    public mutating func append(_ argument: RedisArgument) {
        switch argument {
        case .text(let text): append(text)
        case .bytes(let bytes): append(bytes)
        case .integer(let integer): append(integer)
        }
    }
}

/// A word of a command.
public enum RedisArgument: Sendable {
    case text(String)
    case bytes(ByteBuffer)
    case integer(Int)
}
