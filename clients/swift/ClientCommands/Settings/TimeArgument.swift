import ArgumentParser

/// A length of time as command lines give it: `500ms`, `30s`, `5m`, `1h`; a bare number is seconds.
public struct TimeArgument: Sendable, Equatable {
    /// The length of time.
    public let duration: Duration

    private static let units: [(suffix: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000),
    ]
    private static let millisecondsMax = 86_400_000.0

    /// Reads a text; nil where it is no length of time, or more than a day.
    init?(_ text: String) {
        guard let unit = TimeArgument.units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let number = text.dropLast(unit.suffix.count)
        guard number.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true,
            let count = Double(number), count * unit.milliseconds <= TimeArgument.millisecondsMax
        else { return nil }
        duration = .milliseconds(Int64((count * unit.milliseconds).rounded()))
    }

    /// Reads a text; throws a sentence with the form and the bounds where it is no time in that range.
    public init(_ text: String, milliseconds range: ClosedRange<Int>, _ bounds: String) throws {
        guard let time = TimeArgument(text), range.contains(Int(time.milliseconds)) else {
            throw ValidationError(
                "a time \(bounds) is expected, such as 1500ms, 30s, 5m or 1h; a bare number is seconds")
        }
        self = time
    }

    /// In whole milliseconds.
    public var milliseconds: UInt32 { UInt32(clamping: Int64(duration / .milliseconds(1))) }
}
