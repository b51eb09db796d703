internal import NIOCore

/// A moment in microseconds since 1970, UTC: what a record's times hold.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    public var microseconds: Int64

    /// The moment that many microseconds after 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Whether the left moment is the earlier one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// Whole seconds, rounded down, so that ``nanoseconds`` is never negative.
    public var seconds: Int64 { microseconds.flooringQuotient(1_000_000) }

    /// What is left beside ``seconds``, 0 ..< 1 000 000 000.
    public var nanoseconds: Int32 { Int32(microsecondOfSecond * 1000) }

    /// What is left beside ``seconds``, 0 ..< 1 000 000; `seconds * 1_000_000` would overflow at the far end of the past.
    private var microsecondOfSecond: Int { Int(microseconds.flooringRemainder(1_000_000)) }

    /// From the two fields of a `google.protobuf.Timestamp`; what is finer than a microsecond is cut.
    ///
    /// A moment too far away to be held becomes the farthest there is.
    public init(seconds: Int64, nanoseconds: Int32) {
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, sumOverflows) = whole.addingReportingOverflow(Int64(nanoseconds / 1000))
        microseconds = overflows || sumOverflows ? (seconds < 0 ? .min : .max) : sum
    }

    /// The moment that many milliseconds later, or the farthest there is.
    func later(milliseconds: Int64) -> Timestamp {
        let (distance, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
        let (sum, sumOverflows) = microseconds.addingReportingOverflow(distance)
        return Timestamp(microseconds: overflows || sumOverflows ? (milliseconds < 0 ? .min : .max) : sum)
    }

    /// 0000-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z: what four digits of a year can say.
    private static let writable: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 with six digits and `Z`, such as `2025-11-23T10:11:12.123456Z`.
    ///
    /// A moment before the year 0 or after the year 9999 is written as the first or last moment between them.
    public var description: String {
        unsafe String(unsafeUninitializedCapacity: Timestamp.textBytes) { text in
            let writable = min(max(microseconds, Timestamp.writable.lowerBound), Timestamp.writable.upperBound)
            unsafe Timestamp(microseconds: writable).writeText(into: text)
            return Timestamp.textBytes
        }
    }

    private static let textBytes = 27

    /// Appends ``description`` to a buffer, without making a string of it.
    func write(into buffer: inout ByteBuffer) {
        let writable = min(max(microseconds, Timestamp.writable.lowerBound), Timestamp.writable.upperBound)
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Timestamp.textBytes) { bytes in
            unsafe Timestamp(microseconds: writable).writeText(into: bytes.assumingMemoryBound(to: UInt8.self))
            return Timestamp.textBytes
        }
    }

    private func writeText(into text: UnsafeMutableBufferPointer<UInt8>) {
        let days = seconds.flooringQuotient(86_400)
        let second = Int(seconds - days * 86_400)
        let date = CivilDate(daysSince1970: days)
        func write(_ value: Int, digits: Int, at offset: Int, then mark: UInt8) {
            var rest = value
            for index in stride(from: offset + digits - 1, through: offset, by: -1) {
                unsafe text[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            unsafe text[offset + digits] = mark
        }
        write(date.year, digits: 4, at: 0, then: UInt8(ascii: "-"))
        write(date.month, digits: 2, at: 5, then: UInt8(ascii: "-"))
        write(date.day, digits: 2, at: 8, then: UInt8(ascii: "T"))
        write(second / 3600, digits: 2, at: 11, then: UInt8(ascii: ":"))
        write(second / 60 % 60, digits: 2, at: 14, then: UInt8(ascii: ":"))
        write(second % 60, digits: 2, at: 17, then: UInt8(ascii: "."))
        write(microsecondOfSecond, digits: 6, at: 20, then: UInt8(ascii: "Z"))
    }

    /// Reads RFC 3339, and the naive form of the Python service, which is UTC.
    ///
    /// That is `2025-11-23T10:11:12`, with or without a fraction of 1 to 9 digits, cut to microseconds. A leap second
    /// (`:60`) is the first of the next minute. Nil where the text is neither, or its day is not in the calendar.
    public init?(text: some StringProtocol) {
        let bytes = Array(text.utf8)
        self.init(bytes.span, 0..<bytes.count)
    }

    /// As ``init(text:)``, of a part of a text in UTF-8.
    init?(_ text: Span<UInt8>, _ range: Range<Int>) {
        var index = range.lowerBound
        func byte() -> UInt8? { index < range.upperBound ? text[index] : nil }
        func take() -> UInt8? {
            defer { index += 1 }
            return byte()
        }
        func digits(_ count: Int, then mark: UInt8? = nil) -> Int? {
            var value = 0
            for _ in 0..<count {
                guard let byte = take(), (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            if let mark { guard take() == mark else { return nil } }
            return value
        }
        guard let year = digits(4, then: UInt8(ascii: "-")), let month = digits(2, then: UInt8(ascii: "-")),
            let day = digits(2), let separator = take(),
            separator | 0x20 == UInt8(ascii: "t") || separator == UInt8(ascii: " "),
            let hour = digits(2, then: UInt8(ascii: ":")), let minute = digits(2, then: UInt8(ascii: ":")),
            let second = digits(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var micros = 0
        if byte() == UInt8(ascii: ".") {
            index += 1
            let start = index
            var scale = 100_000
            while let digit = byte(), (48...57).contains(digit) {
                micros += Int(digit - 48) * scale
                scale /= 10
                index += 1
            }
            guard (1...9).contains(index - start) else { return nil }
        }
        var offsetMinutes = 0
        if let mark = take(), mark | 0x20 != UInt8(ascii: "z") {
            guard mark == UInt8(ascii: "+") || mark == UInt8(ascii: "-"),
                let hours = digits(2, then: UInt8(ascii: ":")), let minutes = digits(2), hours < 24, minutes < 60
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (mark == UInt8(ascii: "+") ? 1 : -1)
        }
        guard index >= range.upperBound else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        let days = date.daysSince1970
        // A day that the month does not have comes back as one of the next month.
        guard CivilDate(daysSince1970: days) == date else { return nil }
        let seconds = days * 86_400 + Int64(hour * 3600 + (minute - offsetMinutes) * 60 + second)
        microseconds = seconds * 1_000_000 + Int64(micros)
    }
}

/// A day of the proleptic Gregorian calendar, and its distance from 1970-01-01.
///
/// Months are counted from March, so that the leap day is a year's last; 400 years are one period of 146 097 days.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(daysSince1970: Int64) {
        let days = daysSince1970 + 719_468
        let era = days.flooringQuotient(146_097)
        let dayOfEra = Int(days - era * 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = Int(era) * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let shifted = Int64(month <= 2 ? year - 1 : year)
        let era = shifted.flooringQuotient(400)
        let yearOfEra = Int(shifted - era * 400)
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + Int64(dayOfEra) - 719_468
    }
}

extension Int64 {
    /// Division that rounds down, also below zero.
    fileprivate func flooringQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// What ``flooringQuotient(_:)`` leaves, 0 ..< divisor.
    fileprivate func flooringRemainder(_ divisor: Int64) -> Int64 {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
