public import NIOCore

/// A message of any type, packed, and the name of its type.
public struct PackedMessage: Sendable, Equatable {
    /// Such as `type.googleapis.com/google.rpc.ErrorInfo`.
    public var typeURL: String
    /// The packed message's bytes.
    public var value: ByteBuffer

    /// A message that was packed already.
    public init(typeURL: String, value: ByteBuffer) {
        self.typeURL = typeURL
        self.value = value
    }

    private static let prefix = "type.googleapis.com/"

    init<Message: WireMessage>(packing message: Message) {
        self.init(typeURL: PackedMessage.prefix + Message.descriptor.name, value: message.encoded())
    }

    /// The message, where it is one of that type; nil where it is of another, or damaged.
    func unpacked<Message: WireMessage>(as: Message.Type) -> Message? {
        // What stands before the last slash is a place to look the type up, which readers need not tell apart.
        guard let name = typeURL.split(separator: "/", omittingEmptySubsequences: false).last,
            name == Message.descriptor.name
        else { return nil }
        return try? Message.decode(value)
    }
}

/// An error as it goes over the wire: `google.rpc.Status`.
public struct RPCStatus: Sendable, Equatable {
    /// gRPC's number; 0 is no error.
    public var code: Int32
    /// A sentence for people.
    public var message: String
    /// Typed details; those of types that we do not know are kept as they are.
    public var details: [PackedMessage]

    /// A status of that code; by default without details.
    public init(code: Int32, message: String, details: [PackedMessage] = []) {
        self.code = code
        self.message = message
        self.details = details
    }
}

extension RPCStatus: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .status }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(code: fields.int32(1), message: try fields.string(2), details: try fields.messages(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.int32(1, code)
        fields.string(2, message)
        fields.messages(3, details)
    }
}

extension PackedMessage: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .any }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(typeURL: try fields.string(1), value: fields.bytes(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, typeURL)
        fields.bytes(2, value)
    }
}
