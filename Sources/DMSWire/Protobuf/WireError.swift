public import DMSModel

/// Why bytes are not the message they should be.
public enum WireError: Error, Sendable, Equatable {
    /// Not a message of that kind at all; the text is for people.
    case malformed(String)
    /// A field's value has no meaning to us.
    case invalid(FieldViolation)
    /// Unpacked, the message would take more memory than is granted to one of its size.
    case tooComplex
    /// More of something than a message may have; the text is for people.
    case tooMuch(String)
}

extension WireError {
    /// The error as a server answers it.
    public var schedulerError: SchedulerError {
        switch self {
        case .malformed(let message): SchedulerError(.malformed, message)
        case .invalid(let violation): .invalid([violation])
        case .tooComplex: SchedulerError(.limitBody, "The message unpacks to more memory than one message is granted")
        case .tooMuch(let message): SchedulerError(.limitBody, message)
        }
    }

    static func missing(_ field: String) -> WireError {
        .invalid(FieldViolation(field: field, kind: .missing, message: "Field required"))
    }
}
