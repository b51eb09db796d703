import DMSModel
public import NIOCore

/// One entry of a call's metadata; keys are in lower case.
public struct MetadataEntry: Sendable, Equatable {
    /// The entry's name, in lower case.
    public var key: String
    /// The entry's text; may be empty.
    public var value: String

    /// An entry as it is given: the key is not turned into lower case.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// The keys of a call's metadata that mean something to us.
public enum MetadataKey {
    /// Opens the admin methods, and those of submitters too.
    public static let operatorToken = "x-dms-operator-token"
    /// Opens the submitters' methods where the server is configured to ask for it.
    public static let submitterToken = "x-dms-submitter-token"
    /// The caller's own name for the call; no answer depends on it.
    public static let requestID = "x-request-id"
    /// The caller's W3C trace context.
    public static let traceParent = "traceparent"
}

/// A call: what a request frame carries.
public struct RequestEnvelope: Sendable, Equatable {
    /// The service's full name, such as `dms.v1.Submitter`.
    public var service: String
    /// The method's bare name, such as `Next`.
    public var method: String
    /// The packed request message.
    public var payload: ByteBuffer
    /// How long the caller waits, in nanoseconds from the call's arrival.
    ///
    /// 0 is for ever; below 0 the time has passed already.
    public var timeoutNanoseconds: Int64
    /// What goes along with the call beside its message; a key may occur more than once.
    public var metadata: [MetadataEntry]

    /// A call; by default without a deadline and without metadata.
    public init(
        service: String, method: String, payload: ByteBuffer, timeoutNanoseconds: Int64 = 0,
        metadata: [MetadataEntry] = []
    ) {
        self.service = service
        self.method = method
        self.payload = payload
        self.timeoutNanoseconds = timeoutNanoseconds
        self.metadata = metadata
    }

    /// The last value of a key; nil where there is none.
    public func metadata(_ key: String) -> String? { metadata.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
}

extension RequestEnvelope: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .request }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            service: try fields.string(1, mostly: ServiceName.all), method: try fields.string(2),
            payload: fields.bytes(3),
            timeoutNanoseconds: fields.int64(4),
            metadata: try fields.messages(5, atMost: Limits.RPC.metadataEntriesMax))
        guard !metadata.isEmpty else { return }
        let bytes = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= Limits.RPC.metadataBytesMax else {
            throw .tooMuch("A call's metadata may have at most \(Limits.RPC.metadataBytesMax) bytes")
        }
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, service)
        fields.string(2, method)
        fields.bytes(3, payload)
        fields.int64(4, timeoutNanoseconds)
        fields.messages(5, metadata)
    }
}

extension MetadataEntry: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .keyValue }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(key: try fields.string(1), value: try fields.string(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, key)
        fields.string(2, value)
    }
}
