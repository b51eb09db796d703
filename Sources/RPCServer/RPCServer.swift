import DMSModel
public import Logging
public import NIOCore
public import NIOPosix
public import Scheduler
public import ServiceLifecycle
import Synchronization

/// The binary door: the methods of the scheduler over framed protobuf, on TCP and on a unix socket.
///
/// It translates and holds no rule of the scheduler's. A connection lives on one event loop, and is answered by the
/// ``Scheduler/SchedulerService`` of that loop.
public final class RPCServer: Service {
    private let configuration: RPCServerConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let onDrain: @Sendable () -> Void
    private let makeRouter: @Sendable (any EventLoop) -> MethodRouter
    private let wrongTokens: WrongTokens?
    private let answers: AnswerMemory?
    private let logger: Logger
    private let bound: AsyncStream<SocketAddress>.Continuation
    let counters = RPCServerCounters()
    let gate: ConnectionGate
    /// The connections of each loop, as soon as the server runs.
    let loops = Mutex<[NIOLoopBound<LoopConnections>]>([])

    /// Where the server listens: TCP first, then the unix socket; ends when all listen, or when one could not.
    public let boundAddresses: AsyncStream<SocketAddress>

    /// A server that answers from the scheduler, on the loops of the group.
    public convenience init(
        _ configuration: RPCServerConfiguration, scheduler: SchedulerPool, group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) {
        self.init(
            configuration, group: group, wrongTokens: scheduler.wrongTokens, answers: scheduler.answers,
            logger: logger, onDrain: { scheduler.endWaits() }
        ) { loop in
            MethodRouter(scheduler.service(on: loop))
        }
    }

    /// A server of any methods; the router is made on the loop that it is for.
    init(
        _ configuration: RPCServerConfiguration, group: MultiThreadedEventLoopGroup, wrongTokens: WrongTokens? = nil,
        answers: AnswerMemory? = nil, logger: Logger, onDrain: @escaping @Sendable () -> Void = {},
        makeRouter: @escaping @Sendable (any EventLoop) -> MethodRouter
    ) {
        self.configuration = configuration
        self.group = group
        self.onDrain = onDrain
        self.makeRouter = makeRouter
        self.wrongTokens = wrongTokens
        self.answers = answers
        self.logger = logger
        gate = ConnectionGate(
            door: "rpc", connectionsMax: configuration.connectionsMax,
            perAddressMax: configuration.connectionsPerAddressMax, toldMax: configuration.toldMax, logger: logger)
        (boundAddresses, bound) = AsyncStream.makeStream()
    }

    /// Serves until a graceful shutdown; then takes no more, and returns when what was in flight is answered.
    ///
    /// Throws ``RPCServerError`` where it cannot listen. A cancelled task ends all connections at once.
    public func run() async throws {
        let loops = try await makeLoops()
        self.loops.withLock { $0 = Array(loops.values) }
        var listeners = try await listen(loops)
        let isGraceful = await waitForShutdown()
        logger.info("The binary door closes")
        onDrain()
        await listeners.close()
        await drain(loops, atMost: isGraceful ? TimeAmount(configuration.drain) : .zero)
    }

    /// What the connections of each loop share.
    private func makeLoops() async throws -> [ObjectIdentifier: NIOLoopBound<LoopConnections>] {
        var loops: [ObjectIdentifier: NIOLoopBound<LoopConnections>] = [:]
        for loop in group.makeIterator() {
            loops[ObjectIdentifier(loop)] = try await loop.submit { [makeRouter, wrongTokens, answers] in
                NIOLoopBound(LoopConnections(makeRouter(loop), wrongTokens, answers, on: loop), eventLoop: loop)
            }.get()
        }
        return loops
    }

    private func listen(
        _ loops: [ObjectIdentifier: NIOLoopBound<LoopConnections>]
    ) async throws(RPCServerError) -> Listeners {
        defer { bound.finish() }
        let (limits, counters, gate, logger) = (configuration.limits, counters, gate, logger)
        let listeners = try await Listeners.open(configuration, group: group, gate: gate, logger: logger) { channel in
            channel.eventLoop.makeCompletedFuture {
                guard let connections = loops[ObjectIdentifier(channel.eventLoop)] else {
                    preconditionFailure("connections live on the loops of the server's own group")
                }
                try channel.pipeline.syncOperations.addHandler(
                    ConnectionHandler(
                        connections.value, limits, counters, refusal: gate.refusal(of: channel), logger))
            }
        }
        for address in listeners.addresses {
            bound.yield(address)
            logger.info("The binary door is open", metadata: ["address": "\(address)"])
        }
        return listeners
    }

    /// Returns whether the shutdown is a graceful one.
    private func waitForShutdown() async -> Bool {
        do {
            try await gracefulShutdown()
            return true
        } catch {
            return false
        }
    }

    private func drain(
        _ loops: [ObjectIdentifier: NIOLoopBound<LoopConnections>], atMost time: TimeAmount
    ) async {
        let drained = loops.values.map { loop in
            loop.eventLoop.flatSubmit { loop.value.drain(atMost: time) }
        }
        for loop in drained { try? await loop.get() }
    }
}
