import Logging
import NIOCore
import NIOPosix
import RedisLink
import Scheduler
import ServiceLifecycle
import TestSupport
import Testing

@testable import HTTPServer

/// The gate stands in front of the listener before anybody is accepted.
@Suite(.timeLimit(.minutes(2))) struct OpeningTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func freePort() async throws -> Int {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port
        try await listener.close()
        return try #require(port)
    }

    /// Connects as soon as anybody listens.
    private func connectAtOnce(_ port: Int) async throws -> HTTPConnection {
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let connection = try? await HTTPConnection.open(address) { return connection }
        }
        throw TestFailure("nobody listens")
    }

    @Test func `connections of the very first moment are counted like all others`() async throws {
        for _ in 0..<40 {
            let port = try await freePort()
            let pool = SchedulerPool(
                configuration: .init(writer: RedisURL(address: .unix(path: "/nonexistent/redis.sock"))),
                group: .singleton, logger: logger)
            let server = RESTServer(
                configuration: .init(port: port), scheduler: pool,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                let connection = try await connectAtOnce(port)
                #expect(try await connection.call("GET", "/healthz").status == 200)
                #expect(server.gate.openConnections == 1)
                try await connection.close()
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    @Test func `where the gate cannot be put there the listener does not stay`() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        try await listener.close()
        let opening = ListenerOpening(ConnectionGate(door: "http", connectionsMax: 1, logger: logger), logger)
        #expect(!opening.isAcceptingNewConnections())
        #expect(await opening.open(listener) == false)
        #expect(opening.failure != nil)
        #expect(!opening.isAcceptingNewConnections())
    }
}
