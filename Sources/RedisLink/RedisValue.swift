public import NIOCore

/// A copied answer of any shape, for calls that are made seldom.
public indirect enum RedisValue: Sendable, Equatable {
    case null
    case integer(Int)
    case bytes(ByteBuffer)
    case status(String)
    /// An error answer as an element of an array.
    case error(RedisError)
    case array([RedisValue])

    /// Copies an answer with all its elements.
    public init(_ reply: borrowing RedisReply) throws(RedisError) {
        switch reply.kind {
        case .null: self = .null
        case .integer: self = .integer(try reply.integer())
        case .string: self = .bytes(try reply.bytes())
        case .status: self = .status(try reply.text())
        case .array:
            self = .array(
                try reply.map { element throws(RedisError) in try RedisValue(element) })
        case .error:
            self = .error(reply.shapeError("an error"))
        }
    }

    /// The text of a string (invalid UTF-8 repaired), a status or an integer; nil of anything else.
    public var string: String? {
        switch self {
        case .bytes(let buffer): String(buffer: buffer)
        case .status(let text): text
        case .integer(let value): String(value)
        case .null, .error, .array: nil
        }
    }

    /// The value of an integer, or the one that a string spells; nil of anything else.
    public var integer: Int? {
        string.flatMap { Int($0) }
    }

    /// What an error answer says; nil of anything else.
    public var error: RedisError? {
        if case .error(let error) = self { return error }
        return nil
    }

    /// The elements of an array; nil of anything else.
    public var array: [RedisValue]? {
        if case .array(let values) = self { return values }
        return nil
    }
}
