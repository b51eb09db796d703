import DMSModel
import TestSupport
import Testing

/// Moments as text and back; Python's `datetime` gave the numbers.
@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (1, "1970-01-01T00:00:00.000001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (1_763_892_672_123_456, "2025-11-23T10:11:12.123456Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"), (-2_203_891_200_000_000, "1900-03-01T00:00:00.000000Z"),
        (-2_203_891_200_000_001, "1900-02-28T23:59:59.999999Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (-11_676_096_000_000_000, "1600-01-01T00:00:00.000000Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ])
    func `a known moment is written and read`(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text: text) == Timestamp(microseconds: microseconds))
    }

    @Test func `every moment from the year 0 to 9999 goes round`() {
        var noise = SplitMix(state: 1970)
        for round in 0..<20_000 {
            // Every second one within a century of today, where the moments are.
            let range: ClosedRange<Int64> =
                round % 2 == 0
                ? -62_167_219_200_000_000...253_402_300_799_999_999 : -3_000_000_000_000_000...3_000_000_000_000_000
            let moment = Timestamp(microseconds: Int64.random(in: range, using: &noise))
            #expect(Timestamp(text: moment.description) == moment)
            #expect(Timestamp(seconds: moment.seconds, nanoseconds: moment.nanoseconds) == moment)
            #expect((0..<1_000_000_000).contains(moment.nanoseconds))
        }
    }

    @Test func `texts sort as their moments do`() {
        var noise = SplitMix(state: 3)
        let moments = (0..<2000).map { _ in
            Timestamp(microseconds: Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &noise))
        }
        #expect(moments.sorted().map(\.description) == moments.map(\.description).sorted())
    }

    @Test func `every day of four centuries is one day after the day before`() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var expected = Timestamp(text: "1800-01-01T00:00:00")?.microseconds ?? 0
        #expect(expected == -5_364_662_400_000_000)
        func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        for year in 1800..<2200 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for month in 1...12 {
                let length = lengths[month - 1] + (isLeap && month == 2 ? 1 : 0)
                for day in 1...length {
                    let text = "\(year)-\(padded(month))-\(padded(day))T00:00:00.000000Z"
                    if Timestamp(text: text)?.microseconds != expected { Issue.record("\(text)") }
                    if Timestamp(microseconds: expected).description != text { Issue.record("\(expected)") }
                    expected += 86_400_000_000
                }
                // The days after a month's last are no days.
                for day in length + 1...32 {
                    let text = "\(year)-\(padded(month))-\(padded(day))T00:00:00Z"
                    if Timestamp(text: text) != nil { Issue.record("taken: \(text)") }
                }
            }
        }
    }

    @Test(arguments: [
        "2025-11-23T10:11:12.123456", "2025-11-23 10:11:12.123456", "2025-11-23t10:11:12.123456z",
        "2025-11-23T10:11:12.123456+00:00", "2025-11-23T10:11:12.123456-00:00", "2025-11-23T15:41:12.123456+05:30",
        "2025-11-22T10:12:12.123456-23:59", "2025-11-24T10:10:12.123456+23:59", "2025-11-23T10:11:12.1234567Z",
        "2025-11-23T10:11:12.123456999Z", "2025-11-23T10:11:12.123456789",
    ])
    func `naive forms, offsets and finer fractions name the same moment`(text: String) {
        #expect(Timestamp(text: text) == Timestamp(microseconds: 1_763_892_672_123_456))
    }

    @Test func `a fraction has one to nine digits or is not there`() {
        let whole = Timestamp(text: "2025-11-23T10:11:12")
        #expect(whole == Timestamp(microseconds: 1_763_892_672_000_000))
        #expect(Timestamp(text: "2025-11-23T10:11:12Z") == whole)
        for (fraction, microseconds) in [
            ("5", 500_000), ("05", 50_000), ("123", 123_000), ("000001", 1), ("0000009", 0), ("999999999", 999_999),
        ] {
            let expected = Timestamp(microseconds: 1_763_892_672_000_000 + Int64(microseconds))
            #expect(Timestamp(text: "2025-11-23T10:11:12.\(fraction)Z") == expected)
            #expect(Timestamp(text: "2025-11-23T10:11:12.\(fraction)") == expected)
        }
    }

    @Test func `a leap second is the first of the next minute`() {
        #expect(Timestamp(text: "2016-12-31T23:59:60Z") == Timestamp(text: "2017-01-01T00:00:00Z"))
    }

    @Test(arguments: [
        "", "Z", "2025", "2025-11-23", "2025-11-23T", "2025-11-23T10:11", "2025-11-23T10:11:1", "25-11-23T10:11:12Z",
        "2025-11-23T10:11:12.", "2025-11-23T10:11:12.Z", "2025-11-23T10:11:12.1234567890Z", "2025-11-23T10:11:12,5Z",
        "2025-11-23T10:11:12ZZ", "2025-11-23T10:11:12Z ", " 2025-11-23T10:11:12Z", "2025-11-23T10:11:12 Z",
        "2025-11-23T10:11:12+", "2025-11-23T10:11:12+0530", "2025-11-23T10:11:12+05", "2025-11-23T10:11:12+24:00",
        "2025-11-23T10:11:12+05:60", "2025-11-23T10:11:12+05:30Z", "2025-11-23T10:11:12Z+05:30",
        "2025-11-23T24:00:00Z", "2025-11-23T10:60:00Z", "2025-11-23T10:11:61Z", "2025-00-23T10:11:12Z",
        "2025-13-23T10:11:12Z", "2025-11-00T10:11:12Z", "2025-11-31T10:11:12Z", "2025-11-32T10:11:12Z",
        "2025-02-29T10:11:12Z", "1900-02-29T10:11:12Z", "2024-02-30T10:11:12Z", "2025/11/23T10:11:12Z",
        "2025-11-23_10:11:12Z", "2025-11-23T10.11.12Z", "20251123T101112Z", "-025-11-23T10:11:12Z",
        "+2025-11-23T10:11:12Z", "12025-11-23T10:11:12Z", "2025-11-23T10:11:12.12a456Z", "2025-11-23T10:11:1２Z",
        "2025-11-23T10:11:12\u{0}", "2025-1-23T10:11:12Z", "null", "1763892672",
    ])
    func `other texts are refused`(text: String) { #expect(Timestamp(text: text) == nil) }

    @Test func `every part of a text that starts with it is refused up to the seconds, and never traps`() {
        let text = "2025-11-23T10:11:12.123456+05:30"
        for count in 0...text.utf8.count {
            let isWhole = count == 19 || (21...26).contains(count) || count == 32
            #expect((Timestamp(text: text.prefix(count)) != nil) == isWhole, "\(count)")
        }
    }

    @Test func `a moment that four digits of a year cannot say is written as the nearest that they can`() {
        for microseconds: Int64 in [.min, .min + 1, -62_167_219_200_000_001] {
            #expect(Timestamp(microseconds: microseconds).description == "0000-01-01T00:00:00.000000Z")
        }
        for microseconds: Int64 in [253_402_300_800_000_000, .max - 1, .max] {
            #expect(Timestamp(microseconds: microseconds).description == "9999-12-31T23:59:59.999999Z")
        }
    }

    @Test func `seconds and nanoseconds are those of protobuf, also before 1970`() {
        for (microseconds, seconds, nanoseconds) in [
            (0, 0, 0), (-1, -1, 999_999_000), (-1_000_000, -1, 0), (-1_000_001, -2, 999_999_000),
            (1_500_000, 1, 500_000_000),
            (.max, 9_223_372_036_854, 775_807_000), (.min, -9_223_372_036_855, 224_192_000),
        ] as [(Int64, Int64, Int32)] {
            let moment = Timestamp(microseconds: microseconds)
            #expect(moment.seconds == seconds)
            #expect(moment.nanoseconds == nanoseconds)
        }
        #expect(Timestamp(seconds: 1, nanoseconds: 999) == Timestamp(microseconds: 1_000_000))
        #expect(Timestamp(seconds: 1, nanoseconds: 1999) == Timestamp(microseconds: 1_000_001))
    }

    @Test func `seconds too far away to be held are the farthest moment there is`() {
        for seconds: Int64 in [.max, 9_223_372_036_855] {
            #expect(Timestamp(seconds: seconds, nanoseconds: 999_999_999) == Timestamp(microseconds: .max))
        }
        for seconds: Int64 in [.min, -9_223_372_036_856] {
            #expect(Timestamp(seconds: seconds, nanoseconds: 0) == Timestamp(microseconds: .min))
        }
        #expect(Timestamp(seconds: 9_223_372_036_854, nanoseconds: 775_807_000) == Timestamp(microseconds: .max))
        #expect(Timestamp(seconds: 9_223_372_036_854, nanoseconds: 775_808_000) == Timestamp(microseconds: .max))
    }
}
