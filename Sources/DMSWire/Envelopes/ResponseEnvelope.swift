public import NIOCore

/// An answer: what a response frame carries.
public struct ResponseEnvelope: Sendable, Equatable {
    /// What went wrong; nil, or a status of code 0, where nothing did.
    public var status: RPCStatus?
    /// The packed answer message; empty beside an error.
    public var payload: ByteBuffer

    /// An answer; by default a success with an empty message.
    public init(status: RPCStatus? = nil, payload: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.payload = payload
    }

    /// The error that the answer reports; nil where the call succeeded.
    public var error: RPCError? {
        guard let status, status.code != 0 else { return nil }
        return RPCError(status)
    }
}

extension ResponseEnvelope: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .response }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(status: try fields.message(1), payload: fields.bytes(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, status)
        fields.bytes(2, payload)
    }
}

/// The answer to a call that succeeded, its message packed only as the envelope is: a ``ResponseEnvelope`` to its reader.
public struct AnswerEnvelope<Message: WireMessage>: Sendable {
    /// The answer message, packed when the envelope is.
    public var message: Message

    /// The envelope of a success with this message.
    public init(_ message: Message) { self.message = message }
}

extension AnswerEnvelope: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .response }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        message = try Message.decode(fields.bytes(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.packed(2, message) }
}
