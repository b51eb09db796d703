public import DMSMetrics
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
public import Scheduler
public import ServiceLifecycle

/// The REST door: listens for HTTP/1.1, calls the scheduler, answers JSON.
///
/// It serves from ``run()`` until a graceful shutdown is asked for; then it stops accepting, answers what it has read,
/// and returns when every connection is closed.
public struct RESTServer: Service {
    private let configuration: Configuration
    private let scheduler: SchedulerPool
    private let metrics: [any MetricsSource]
    private let counter = RequestCounter()
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let listening: ListeningAddress
    let gate: ConnectionGate

    /// Nothing is opened before ``run()``.
    ///
    /// - Parameters:
    ///   - configuration: Where to listen, and the limits.
    ///   - scheduler: What every request ends at.
    ///   - metrics: What others have to show at `/metrics`, beside the door itself.
    ///   - eventLoopGroup: The loops that connections are spread over; shared with the other door.
    ///   - logger: Takes what goes wrong on our side; never a token, never parameters.
    public init(
        configuration: Configuration, scheduler: SchedulerPool, metrics: [any MetricsSource] = [],
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        self.scheduler = scheduler
        self.metrics = metrics
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        listening = ListeningAddress(eventLoop: eventLoopGroup.any())
        gate = ConnectionGate(
            door: "http", connectionsMax: configuration.connectionsMax,
            perAddressMax: configuration.connectionsPerAddressMax, toldMax: configuration.toldMax, logger: logger)
    }

    /// The address that the door listens on, as soon as it does; the port is the real one where 0 was configured.
    ///
    /// Throws what ``run()`` throws where listening fails, and ``NotListening`` where it ends before.
    public var address: SocketAddress {
        get async throws { try await listening.value() }
    }

    /// ``run()`` ended, or was never called, before the door listened.
    public struct NotListening: Error, CustomStringConvertible {
        /// A sentence for logs.
        public var description: String { "The REST door ended before it listened" }
    }

    /// Serves until the service group shuts down gracefully; throws where the address can't be listened on.
    public func run() async throws {
        let configuration = configuration
        var frameworkLogger = logger
        frameworkLogger.logLevel = max(logger.logLevel, .notice)
        let opening = ListenerOpening(gate, logger)
        let application = Application(
            responder: RESTResponder(
                scheduler: scheduler, gate: gate, metrics: metrics, counter: counter,
                bodyBytesMax: configuration.bodyBytesMax,
                requestsPerSecondMax: configuration.requestsPerSecondMax,
                pages: PageCheck(hosts: configuration.hosts, isTLS: configuration.tls != nil), logger: logger),
            server: HTTPServerBuilder { [gate, scheduler] in
                ConnectionSetup(responder: $0, configuration: configuration, gate: gate, scheduler: scheduler)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "dms-scheduler",
                backlog: 1024, availableConnectionsDelegate: opening),
            onServerRunning: { [listening] channel in
                if await opening.open(channel) { listening.succeed(channel.localAddress) }
            },
            eventLoopGroupProvider: .shared(eventLoopGroup), logger: frameworkLogger)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: { [scheduler] in
                scheduler.endWaits()
            }
            listening.fail(NotListening())
        } catch {
            let error = opening.failure ?? error
            listening.fail(error)
            throw error
        }
    }
}
