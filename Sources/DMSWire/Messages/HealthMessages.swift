/// `grpc.health.v1.HealthCheckRequest`.
public struct HealthCheckRequest: Sendable, Equatable, WireMessage {
    /// A service's full name; empty: the server as a whole.
    public var service: String

    public static var descriptor: MessageDescriptor { .healthCheckRequest }

    public init(service: String = "") { self.service = service }

    public init(from fields: borrowing MessageReader) throws(WireError) { service = try fields.string(1) }

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
    public var status: ServingStatus

    public static var descriptor: MessageDescriptor { .healthCheckResponse }

    public init(status: ServingStatus) { self.status = status }

    public init(from fields: borrowing MessageReader) throws(WireError) { status = try fields.enumeration(1) }

    public func write(to fields: borrowing MessageWriter) { fields.enumeration(1, status) }
}
