import HTTPServer
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import Scheduler

/// A REST door that listens on a free port of loopback.
struct ServerHarness {
    let address: SocketAddress
    fileprivate let services: ServiceGroup

    func stop() async { await services.triggerGracefulShutdown() }

    func connect() async throws -> HTTPConnection { try await HTTPConnection.open(address) }

    /// One request on a connection of its own.
    func call(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: ByteBuffer? = nil
    ) async throws -> HTTPAnswer {
        let connection = try await connect()
        let answer = try await connection.call(method, target, headers: headers, body: body)
        try await connection.close()
        return answer
    }

    /// One request with a JSON body.
    func post(_ target: String, _ body: String, headers: [(String, String)] = []) async throws -> HTTPAnswer {
        try await call("POST", target, headers: headers, body: ByteBuffer(string: body))
    }
}

/// Starts a door, hands it to the body, and stops it gracefully; throws where it does not end well.
func withServer(
    _ configuration: RESTServer.Configuration = .init(port: 0), scheduler: SchedulerPool = SchedulerPool(),
    _ body: (ServerHarness) async throws -> Void
) async throws {
    var configuration = configuration
    configuration.port = 0
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = RESTServer(
        configuration: configuration, scheduler: scheduler, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: logger)
    let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
    try await withThrowingTaskGroup { group in
        group.addTask { try await services.run() }
        do {
            try await body(ServerHarness(address: try await server.address, services: services))
        } catch {
            await services.triggerGracefulShutdown()
            throw error
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
    }
}

/// Expects that a door with this configuration does not come up, and that its address is not waited for in vain.
func expectNotListening(_ configuration: RESTServer.Configuration) async throws {
    let server = RESTServer(
        configuration: configuration, scheduler: SchedulerPool(),
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
    try await withThrowingTaskGroup { group in
        group.addTask { await #expect(throws: IOError.self) { _ = try await server.address } }
        await #expect(throws: IOError.self) { try await server.run() }
        try await group.waitForAll()
    }
}
