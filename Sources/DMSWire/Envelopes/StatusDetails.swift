/// Why a call failed, for programs: `google.rpc.ErrorInfo`; its metadata is not read.
struct ErrorInfo: Equatable, WireMessage {
    static let ownDomain = "dms"

    var reason: String
    var domain = ErrorInfo.ownDomain

    static var descriptor: MessageDescriptor { .errorInfo }

    init(reason: String) { self.reason = reason }

    init(from fields: borrowing MessageReader) throws(WireError) {
        reason = try fields.string(1)
        domain = try fields.string(2)
    }

    func write(to fields: borrowing MessageWriter) {
        fields.string(1, reason)
        fields.string(2, domain)
    }
}

/// Which fields were refused, and why: `google.rpc.BadRequest`.
struct BadRequest: WireMessage {
    var violations: [Violation]

    struct Violation: WireMessage {
        var field: String
        var text: String

        static var descriptor: MessageDescriptor { .fieldViolation }

        init(field: String, text: String) {
            self.field = field
            self.text = text
        }

        init(from fields: borrowing MessageReader) throws(WireError) {
            field = try fields.string(1)
            text = try fields.string(2)
        }

        func write(to fields: borrowing MessageWriter) {
            fields.string(1, field)
            fields.string(2, text)
        }
    }

    static var descriptor: MessageDescriptor { .badRequest }

    init(violations: [Violation]) { self.violations = violations }

    init(from fields: borrowing MessageReader) throws(WireError) { violations = try fields.messages(1) }

    func write(to fields: borrowing MessageWriter) { fields.messages(1, violations) }
}

/// When to try again: `google.rpc.RetryInfo`.
struct RetryInfo: WireMessage {
    var delay: Duration

    static var descriptor: MessageDescriptor { .retryInfo }

    init(delay: Duration) { self.delay = delay }

    init(from fields: borrowing MessageReader) throws(WireError) {
        delay = try fields.message(1, as: WireDuration.self)?.duration ?? .zero
    }

    func write(to fields: borrowing MessageWriter) { fields.message(1, WireDuration(duration: delay)) }
}

/// `google.protobuf.Duration`.
struct WireDuration: WireMessage {
    private static let secondsMax: Int64 = 315_576_000_000
    private static let nanosecondsMax: Int32 = 999_999_999
    private static let attosecondsInNanosecond: Int64 = 1_000_000_000

    var duration: Duration

    static var descriptor: MessageDescriptor { .duration }

    init(duration: Duration) { self.duration = duration }

    init(from fields: borrowing MessageReader) throws(WireError) {
        let (seconds, nanoseconds) = (fields.int64(1), fields.int32(2))
        guard seconds.magnitude <= WireDuration.secondsMax, nanoseconds.magnitude <= WireDuration.nanosecondsMax
        else { throw .malformed("A duration is out of range") }
        duration = .seconds(seconds) + .nanoseconds(Int64(nanoseconds))
    }

    func write(to fields: borrowing MessageWriter) {
        let (seconds, attoseconds) = duration.components
        fields.int64(1, seconds)
        fields.int32(2, Int32(attoseconds / WireDuration.attosecondsInNanosecond))
    }
}
