public import NIOCore

/// One word of a command.
public enum RedisArgument: Sendable {
    case text(String)
    case bytes(ByteBuffer)
    case integer(Int)

    /// Appends the word as a bulk string.
    func write(into buffer: inout ByteBuffer) {
        switch self {
        case .text(let text):
            buffer.writeBulkHeader(bytes: text.utf8.count)
            buffer.writeString(text)
            buffer.writeLineEnd()
        case .bytes(let bytes):
            buffer.writeBulkHeader(bytes: bytes.readableBytes)
            buffer.writeImmutableBuffer(bytes)
            buffer.writeLineEnd()
        case .integer(let number): RedisArgument.text(String(number)).write(into: &buffer)
        }
    }
}

/// A command as RESP bytes.
public struct RedisCommand: Sendable {
    let bytes: ByteBuffer

    public init(_ words: [RedisArgument]) {
        var buffer = ByteBuffer()
        buffer.writeArrayHeader(count: words.count)
        for word in words { word.write(into: &buffer) }
        bytes = buffer
    }

    public init(_ words: [String]) { self.init(words.map(RedisArgument.text)) }

    public init(_ words: String...) { self.init(words) }
}

/// Names of keys, encoded once for all calls that use them.
public struct RedisKeys: Sendable {
    /// How many there are.
    public let count: Int
    let bytes: ByteBuffer

    public init(_ keys: [String]) {
        count = keys.count
        var buffer = ByteBuffer()
        for key in keys { RedisArgument.text(key).write(into: &buffer) }
        bytes = buffer
    }
}

extension ByteBuffer {
    mutating func writeArrayHeader(count: Int) {
        writeInteger(UInt8(ascii: "*"))
        writeString(String(count))
        writeLineEnd()
    }

    fileprivate mutating func writeBulkHeader(bytes: Int) {
        writeInteger(UInt8(ascii: "$"))
        writeString(String(bytes))
        writeLineEnd()
    }

    fileprivate mutating func writeLineEnd() { writeInteger(UInt16(0x0D0A)) }
}
