/// `grpc.health.v1.HealthCheckRequest`.
public struct HealthCheckRequest: Sendable, Equatable, WireMessage {
    /// A service's full name; empty: the server as a whole.
    public var service: String

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .healthCheckRequest }

    /// Asks for a service; by default for the server as a whole.
    public init(service: String = "") { self.service = service }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { service = try fields.string(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.string(1, service) }
}

/// Whether a service serves.
public enum ServingStatus: Int32, Sendable, WireEnumeration {
    case unknown = 0
    case serving = 1
    case notServing = 2
    case serviceUnknown = 3

    init?(wireNumber: Int32) { self.init(rawValue: wireNumber) }

    var wireNumber: Int32 { rawValue }
}

/// `grpc.health.v1.HealthCheckResponse`.
public struct HealthCheckResponse: Sendable, Equatable, WireMessage {
    /// Field `status`: the health of the service that was asked for.
    public var status: ServingStatus

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .healthCheckResponse }

    /// An answer with that status.
    public init(status: ServingStatus) { self.status = status }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { status = try fields.enumeration(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.enumeration(1, status) }
}
