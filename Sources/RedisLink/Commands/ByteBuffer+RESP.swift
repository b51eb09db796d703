internal import NIOCore

extension ByteBuffer {
    /// Writes `*count\r\n`: a command of so many words follows.
    mutating func writeRESPArray(_ count: Int) {
        writeInteger(UInt8(ascii: "*"))
        writeRESPNumber(count)
    }

    mutating func writeRESPString(_ text: String) {
        writeInteger(UInt8(ascii: "$"))
        writeRESPNumber(text.utf8.count)
        writeString(text)
        writeRESPEnd()
    }

    mutating func writeRESPString(_ bytes: ByteBuffer) {
        writeInteger(UInt8(ascii: "$"))
        writeRESPNumber(bytes.readableBytes)
        writeImmutableBuffer(bytes)
        writeRESPEnd()
    }

    mutating func writeRESPString(_ integer: Int) {
        writeInteger(UInt8(ascii: "$"))
        writeRESPNumber(integer.decimalByteCount)
        writeDecimal(integer)
        writeRESPEnd()
    }

    private mutating func writeRESPNumber(_ number: Int) {
        writeDecimal(number)
        writeRESPEnd()
    }

    private mutating func writeRESPEnd() {
        writeInteger(0x0D0A as UInt16)
    }

    /// Writes digits without making a string of them.
    private mutating func writeDecimal(_ number: Int) {
        if number < 0 { writeInteger(UInt8(ascii: "-")) }
        writeDecimal(number.magnitude)
    }

    /// Up to eight digits go into one word, of which the bytes that are used are kept.
    private mutating func writeDecimal(_ magnitude: UInt) {
        var rest = magnitude
        if rest >= 100_000_000 {
            writeDecimal(rest / 100_000_000)
            rest %= 100_000_000
        }
        var word: UInt64 = 0
        var digits = 0
        repeat {
            word = word >> 8 | UInt64(UInt8(ascii: "0") + UInt8(rest % 10)) << 56
            rest /= 10
            digits += 1
        } while rest > 0 || magnitude >= 100_000_000 && digits < 8
        writeInteger(word)
        moveWriterIndex(to: writerIndex - (8 - digits))
    }
}

extension Int {
    fileprivate var decimalByteCount: Int {
        var count = self < 0 ? 2 : 1
        var rest = magnitude
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
