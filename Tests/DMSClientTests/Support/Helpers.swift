import DMSClient
import DMSModel
import DMSWire
import NIOCore
import Testing

/// Waits until there is a value; throws after ten seconds without.
@discardableResult
func eventually<Value>(_ value: () async throws -> Value?) async throws -> Value {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if let value = try await value() { return value }
        try await Task.sleep(for: .milliseconds(2))
    }
    throw ConditionNeverHeld()
}

/// A condition did not come to hold in time.
struct ConditionNeverHeld: Error {}

/// Runs a test with a server and a client of it, and ends both.
func withServer(
    at address: ServerAddress = ScriptedServer.unusedAddress(), reads: Bool = true, options: ClientOptions = .init(),
    _ body: (ScriptedServer, DMSClient) async throws -> Void
) async throws {
    let server = try await ScriptedServer.start(at: address, reads: reads)
    let client = DMSClient(address: server.address, options: options)
    do {
        try await body(server, client)
    } catch {
        await client.close()
        await server.stop()
        throw error
    }
    await client.close()
    await server.stop()
}

/// How a call ended, for a test to look at.
func outcome<Value: Sendable>(_ call: () async throws -> Value) async -> Result<Value, DMSClientError> {
    do {
        return .success(try await call())
    } catch let error as DMSClientError {
        return .failure(error)
    } catch {
        preconditionFailure("The calls of a client throw its own errors only, not \(error)")
    }
}

extension Result where Failure == DMSClientError {
    /// The error; nil where it is a value.
    var error: DMSClientError? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

extension AsyncStream<ReceivedCall>.Iterator {
    /// The next call that the server receives.
    mutating func received() async throws -> ReceivedCall {
        try #require(await next(isolation: #isolation))
    }
}

/// Values that tests send about.
enum Sample {
    static let overview = QueueOverview(high: 1, mid: 2, low: 3)
    static let moment = Timestamp(microseconds: 1_763_892_672_123_456)

    static func submission(_ id: String = "task-1", parameters: String = #"{"page": 1}"#) -> TaskSubmission {
        TaskSubmission(
            taskID: TaskID(id), service: "thumbnails", userID: "anna", parameters: ByteBuffer(string: parameters))
    }

    static func record(_ id: String = "task-1", parameters: String = #"{"page": 1}"#) -> TaskRecord {
        TaskRecord(
            taskID: TaskID(id), service: "thumbnails", userID: "anna", parameters: ByteBuffer(string: parameters),
            priority: .low, enqueuedAt: moment, updatedAt: moment)
    }
}
