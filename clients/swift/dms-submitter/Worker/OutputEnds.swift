import DMSModel
import NIOCore

/// Keeps the beginning of what a command writes, up to a limit.
struct OutputHead: KeptOutput {
    private let bytesMax: Int
    private(set) var bytes = ByteBuffer()
    private(set) var isTooLong = false

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ part: some Collection<UInt8>) {
        let taken = part.prefix(bytesMax - bytes.readableBytes)
        bytes.writeBytes(taken)
        if taken.count < part.count { isTooLong = true }
    }
}

/// Keeps the end of what a command writes.
struct OutputTail: KeptOutput {
    private let bytesMax: Int
    private var bytes: [UInt8] = []
    private var wasCut = false

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ part: some Collection<UInt8>) {
        bytes += part
        // Cut only now and then, so that a command that writes byte for byte costs no more than its bytes.
        if bytes.count > 2 * bytesMax { cut() }
    }

    private mutating func cut() {
        guard bytes.count > bytesMax else { return }
        bytes.removeFirst(bytes.count - bytesMax)
        wasCut = true
    }

    /// As text of at most that many bytes; what is no text in it is marked, and a character that was cut is left out.
    var text: String {
        var tail = self
        tail.cut()
        var rest = tail.bytes[...]
        if tail.wasCut { rest = rest.drop { $0 & 0b1100_0000 == 0b1000_0000 } }
        var text = String(decoding: rest, as: UTF8.self).replacing("\0", with: "\u{FFFD}")
        // The marks are longer than what they stand for.
        while text.utf8.count > bytesMax { text = String(text.dropFirst(max(1, (text.utf8.count - bytesMax) / 4))) }
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}
