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
        let magnitude = number.magnitude
        if magnitude < 10 {
            writeInteger(UInt8(ascii: "0") + UInt8(magnitude))
            return
        }
        var divisor = magnitude.largestPowerOfTen
        while divisor > 0 {
            writeInteger(UInt8(ascii: "0") + UInt8(magnitude / divisor % 10))
            divisor /= 10
        }
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

extension UInt {
    /// The largest power of ten that is not above the value, which is not 0.
    fileprivate var largestPowerOfTen: UInt {
        var power: UInt = 1
        while self / power >= 10 { power *= 10 }
        return power
    }
}
