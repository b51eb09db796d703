public import DMSModel

/// `google.protobuf.Timestamp`, from the year 1 to 9999 as protobuf has it.
extension Timestamp: WireMessage {
    private static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
    private static let nanosecondsRange: ClosedRange<Int32> = 0...999_999_999

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .timestamp }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        let (seconds, nanoseconds) = (fields.int64(1), fields.int32(2))
        guard Timestamp.secondsRange.contains(seconds), Timestamp.nanosecondsRange.contains(nanoseconds) else {
            throw .malformed("A timestamp is out of range")
        }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.int64(1, seconds)
        fields.int32(2, nanoseconds)
    }
}
