public import NIOCore

/// Writes what differs from call to call of a script, straight into what goes to the socket.
///
/// Each `append` writes one word: first the call's own keys, then its arguments.
public struct RedisArguments: ~Copyable {
    var buffer: ByteBuffer
    private(set) var count = 0

    init(buffer: ByteBuffer) { self.buffer = buffer }

    /// Writes `numkeys` and the fixed keys; the call's own keys follow.
    mutating func writeKeys(_ keys: RedisKeys, callKeys: Int) {
        if callKeys == 0 {
            buffer.writeImmutableBuffer(keys.encodedWithCount)
        } else {
            buffer.writeRESPString(keys.count + callKeys)
            buffer.writeImmutableBuffer(keys.encoded)
        }
    }

    /// Writes a text as UTF-8.
    public mutating func append(_ text: String) {
        buffer.writeRESPString(text)
        count += 1
    }

    /// Writes the buffer's readable bytes.
    public mutating func append(_ bytes: ByteBuffer) {
        buffer.writeRESPString(bytes)
        count += 1
    }

    /// Writes a number as decimal text.
    public mutating func append(_ integer: Int) {
        buffer.writeRESPString(integer)
        count += 1
    }

    /// Writes a word of any kind.
    public mutating func append(_ argument: RedisArgument) {
        switch argument {
        case .text(let text): append(text)
        case .bytes(let bytes): append(bytes)
        case .integer(let integer): append(integer)
        }
    }
}
