public import DMSWire

/// Whether the scheduler serves: the service `grpc.health.v1.Health`.
public struct HealthCalls: Sendable {
    let client: DMSClient

    /// The state of a service by its full name; of the server as a whole where the name is empty.
    public func check(
        service: String = "", options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> ServingStatus {
        let request = HealthCheckRequest(service: service)
        return try await client.call(Methods.Health.check, request, retry: .always, options: options).status
    }
}
