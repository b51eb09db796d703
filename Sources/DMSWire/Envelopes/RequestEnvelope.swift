public import NIOCore

/// One entry of a call's metadata; keys are in lower case.
public struct MetadataEntry: Sendable, Equatable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// The keys of a call's metadata that mean something to us.
public enum MetadataKey {
    public static let operatorToken = "x-dms-operator-token"
    public static let submitterToken = "x-dms-submitter-token"
    public static let requestID = "x-request-id"
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
    public var metadata: [MetadataEntry]

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
    public static var descriptor: MessageDescriptor { .request }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            service: try fields.string(1), method: try fields.string(2), payload: fields.bytes(3),
            timeoutNanoseconds: fields.int64(4), metadata: try fields.messages(5))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, service)
        fields.string(2, method)
        fields.bytes(3, payload)
        fields.int64(4, timeoutNanoseconds)
        fields.messages(5, metadata)
    }
}

extension MetadataEntry: WireMessage {
    public static var descriptor: MessageDescriptor { .keyValue }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(key: try fields.string(1), value: try fields.string(2))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, key)
        fields.string(2, value)
    }
}
