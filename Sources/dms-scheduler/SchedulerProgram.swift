import Glibc
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import RPCServer
import RedisLink
import Scheduler
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
        let logger = makeLogger()
        raiseDescriptorLimit(logger)
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
        let pool = SchedulerPool(
            configuration: SchedulerConfiguration(
                writer: writer, reader: settings.reader,
                redis: RedisOptions(minReplicas: settings.minReplicas, replicaTimeout: settings.replicaWait),
                keyPrefix: settings.keyPrefix,
                operatorToken: settings.operatorToken, submitterToken: settings.submitterToken),
            group: group, logger: logger)
        let rest = RESTServer(
            configuration: .init(host: settings.httpHost, port: settings.httpPort), scheduler: pool,
            eventLoopGroup: group, logger: logger)
        let rpc = RPCServer(
            RPCServerConfiguration(
                host: settings.rpcHost, port: settings.rpcPort, socketPath: settings.rpcSocket,
                drain: SchedulerProgram.drainMax),
            scheduler: pool, group: group, logger: logger)
        services += [
            PoolService(pool: pool), Doors(rest: rest, rpc: rpc, drainMax: SchedulerProgram.drainMax, logger: logger),
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

    /// A connection costs a descriptor, and shells start programs with a low limit that any process may raise.
    private func raiseDescriptorLimit(_ logger: Logger) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        logger.debug("The limit of open files was raised", metadata: ["files": "\(limit.rlim_cur)"])
    }

    private func makeLogger() -> Logger {
        let format = settings.logFormat
        var logger = Logger(label: "dms-scheduler") { label in
            switch format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler(label: label)
            }
        }
        logger.logLevel = settings.logLevel
        return logger
    }
}
