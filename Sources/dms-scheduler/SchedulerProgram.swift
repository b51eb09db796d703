import HTTPServer
import Logging
import NIOCore
import NIOPosix
import RPCServer
import RedisLink
import Scheduler
import ServerTLS
import ServiceLifecycle
import UnixSignals

/// The program: makes the modules known to each other, starts them in order and drains them in reverse.
struct SchedulerProgram {
    /// How long what is in flight may take after SIGTERM.
    private static let drainMax = Duration.seconds(20)
    /// How long closing the connections to Redis, and ending a private one, may take after that.
    private static let closingMax = Duration.seconds(5)

    private let settings: Settings

    init(settings: Settings) { self.settings = settings }

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        MemoryReturn.prepare()
        let logger = makeLogger()
        let budget = try DescriptorBudget(settings, descriptorsMax: DescriptorLimit.raise(logger))
        budget.log(logger)
        if !settings.namesOfOthers.isEmpty {
            logger.info(
                "Variables are set that mean nothing to a scheduler",
                metadata: ["names": "\(settings.namesOfOthers.joined(separator: " "))"])
        }
        let tls = try settings.tls.map { try ServerTLS(settings: $0, logger) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.eventLoops)
        var services: [any Service] = []
        var writer = settings.writer
        if writer == nil {
            let directory = try DataDirectory(path: settings.dataDirectory)
            let redis = try EmbeddedRedis(directory: directory, logger: logger)
            try await directory.waitForPredecessor(atMost: .seconds(30))
            writer = redis.url
            services.append(redis)
        }
        guard let writer else { preconditionFailure("there is a URL, or a private redis-server with one") }
        let tokens = Tokens(
            operators: settings.operatorTokens.atStart, submitters: settings.submitterTokens.atStart)
        let pool = SchedulerPool(
            configuration: SchedulerConfiguration(
                writer: writer, reader: settings.reader,
                redis: RedisOptions(minReplicas: settings.minReplicas, replicaTimeout: settings.replicaWait),
                keyPrefix: settings.keyPrefix,
                tokens: tokens, queuedMax: settings.limits.queuedMax, evictionResponse: settings.evictionResponse),
            group: group, logger: logger)
        let rpc = RPCServer(rpcConfiguration(budget, tls), scheduler: pool, group: group, logger: logger)
        let rest = RESTServer(
            configuration: restConfiguration(budget, tls), scheduler: pool,
            metrics: [rpc, pool, ProcessMetrics()], eventLoopGroup: group, logger: logger)
        let reloading = TokenReloading(tokens, pool: pool, logger: logger)
        let files = [
            tls?.source(logger), reloading.source(settings.operatorTokens, \.operators),
            reloading.source(settings.submitterTokens, \.submitters),
        ].compactMap(\.self)
        if !files.isEmpty { services.append(FileReloader(sources: files)) }
        services.append(MemoryReturn())
        services += [
            PoolService(pool: pool),
            Doors(
                rest: rest, rpc: rpc, restAddress: ListenAddress.text(host: settings.httpHost, port: settings.httpPort),
                drainMax: SchedulerProgram.drainMax, isTLS: tls != nil, logger: logger),
        ]
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        configuration.maximumGracefulShutdownDuration = SchedulerProgram.drainMax + SchedulerProgram.closingMax
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError {
            logger.warning("What was in flight did not end in time and was broken off")
        }
    }

    private func restConfiguration(_ budget: DescriptorBudget, _ tls: ServerTLS?) -> RESTServer.Configuration {
        var configuration = RESTServer.Configuration(host: settings.httpHost, port: settings.httpPort)
        configuration.tls = tls
        configuration.hosts = settings.httpHosts
        configuration.connectionsMax = budget.httpConnectionsMax
        configuration.toldMax = budget.toldMax
        configuration.connectionsPerAddressMax = settings.limits.connectionsPerAddressMax
        configuration.requestsPerSecondMax = settings.limits.requestsPerSecondMax
        configuration.firstRequestTime = settings.limits.firstRequestTime
        configuration.requestTime = settings.limits.requestTime
        configuration.unreadTime = settings.limits.unreadTime
        configuration.idleTime = settings.limits.httpIdleTime
        return configuration
    }

    private func rpcConfiguration(_ budget: DescriptorBudget, _ tls: ServerTLS?) -> RPCServerConfiguration {
        var limits = ConnectionLimits()
        limits.requestsPerSecondMax = settings.limits.requestsPerSecondMax
        limits.firstRequestTime = settings.limits.firstRequestTime
        limits.requestTime = settings.limits.requestTime
        limits.unreadTime = settings.limits.unreadTime
        limits.idleTime = settings.limits.rpcIdleTime
        var configuration = RPCServerConfiguration(
            host: settings.rpcHost, port: settings.rpcPort, socketPath: settings.rpcSocket, tls: tls,
            drain: SchedulerProgram.drainMax, connectionsMax: budget.rpcConnectionsMax, limits: limits)
        configuration.toldMax = budget.toldMax
        configuration.connectionsPerAddressMax = settings.limits.connectionsPerAddressMax
        return configuration
    }

    private func makeLogger() -> Logger {
        let format = settings.logFormat
        var logger = Logger(label: "dms-scheduler") { LineLogHandler(label: $0, format: format) }
        logger.logLevel = settings.logLevel
        return logger
    }
}
