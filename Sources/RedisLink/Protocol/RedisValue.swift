public import NIOCore

/// An answer of Redis as a value, where speed does not matter.
public indirect enum RedisValue: Sendable, Equatable {
    case null
    case integer(Int)
    case bytes(ByteBuffer)
    case status(String)
    case error(RedisError)
    case array([RedisValue])

    /// Copies all of an answer.
    public init(_ reply: borrowing RedisReply) throws(RedisError) {
        switch reply.kind {
        case .null: self = .null
        case .integer: self = .integer(try reply.integer())
        case .string: self = .bytes(try reply.bytes())
        case .status: self = .status(try reply.text())
        case .error: self = .error(reply.error ?? .unexpectedReply("an error without a text"))
        case .array: self = .array(try reply.map { element throws(RedisError) in try RedisValue(element) })
        }
    }

    /// The text of a string, a status or a number; nil for anything else.
    public var string: String? {
        switch self {
        case .bytes(let bytes): String(buffer: bytes)
        case .status(let text): text
        case .integer(let number): String(number)
        case .null, .error, .array: nil
        }
    }
}
