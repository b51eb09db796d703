public import DMSModel
public import Logging
import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
import RedisLink
import Synchronization

/// A ``SchedulerService`` an event loop, and the connections to Redis that they work on; what the doors are given.
public final class SchedulerPool: Sendable {
    /// How long a shutdown waits for tasks that go back to their queues.
    private static let settlingTime = TimeAmount.seconds(3)

    let configuration: SchedulerConfiguration
    private let logger: Logger
    private let writer: RedisClient
    private let reader: RedisClient?
    private let group: MultiThreadedEventLoopGroup
    private let services: [Slot]
    private let lot: ParkingLot
    private let keeper: QueueKeeper
    private let order = TaskOrderKeeper()
    let health: StoreHealth
    private let watch: StoreWatch
    /// Has looked at what was set aside.
    private let aside = TaskOrderKeeper()
    private let mender: PositionMender
    private let tokens: Mutex<Tokens>

    /// Who sends wrong tokens; for the doors to ask.
    public let wrongTokens: WrongTokens
    /// What large answers take up, over both doors.
    public let answers = AnswerMemory()

    /// A loop's place for its service, filled on the loop when it is asked for first.
    private struct Slot: Sendable {
        var eventLoop: any EventLoop
        var service: NIOLoopBoundBox<SchedulerService?>
    }

    /// Nothing is connected before ``run()``.
    public init(configuration: SchedulerConfiguration, group: MultiThreadedEventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        self.group = group
        let loops = Array(group.makeIterator())
        let health = StoreHealth(
            response: configuration.evictionResponse, interval: configuration.healthInterval, logger: logger)
        self.health = health
        watch = StoreWatch(health: health, eventLoop: loops[0])
        writer = RedisClient(
            url: configuration.writer, placement: configuration.writerPlacement, options: configuration.redis,
            scripts: StoreScripts.all, inspection: health.writerInspection, eventLoops: loops, logger: logger)
        // While replicas are waited for, Redis reads nothing from a connection: reads take another one.
        let readerURL = configuration.reader ?? (configuration.redis.minReplicas > 0 ? configuration.writer : nil)
        reader = readerURL.map { url in
            RedisClient(
                url: url, placement: configuration.readerPlacement, options: configuration.readerOptions,
                scripts: StoreScripts.all.filter(\.readOnly),
                inspection: configuration.reader == nil ? nil : health.readerInspection, eventLoops: loops,
                logger: logger)
        }
        services = loops.map { loop in
            Slot(eventLoop: loop, service: .makeEmptyBox(valueType: SchedulerService.self, eventLoop: loop))
        }
        tokens = Mutex(configuration.tokens)
        wrongTokens = WrongTokens(logger: logger)
        mender = PositionMender(logger: logger)
        lot = ParkingLot()
        keeper = QueueKeeper(configuration: configuration, lot: lot, eventLoop: loops[0], logger: logger)
    }

    /// Keeps the connections to Redis up until ``shutdown()`` or cancellation.
    ///
    /// Does not wait for Redis: until it answers, calls fail with `storeUnavailable`. When it answers first, the indexes
    /// of positions are made to agree with the lists, which another program may have written meanwhile, and the order of
    /// tasks with the set of known ids.
    public func run() async throws {
        watch.start { [self] in
            for slot in services { slot.eventLoop.execute { self.service(on: slot.eventLoop).lookAtServers() } }
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.writer.run() }
            if let reader { tasks.addTask { try await reader.run() } }
            tasks.addTask { await self.takeOver() }
            tasks.addTask { [self] in
                await aside.run { try? await AsideRestorer(pool: self, logger: logger).look() }
            }
            tasks.addTask {
                await self.keeper.run { [self] in service(on: services[0].eventLoop) }
            }
            while try await tasks.next() != nil {}
        }
    }

    /// Waits until Redis answers on every loop; throws `storeUnavailable` when the time is over.
    public func ready(within limit: Duration) async throws(SchedulerError) {
        do {
            try await writer.ready(within: limit)
            try await reader?.ready(within: limit)
        } catch {
            throw SchedulerError(store: error, wrote: false)
        }
    }

    /// Succeeds while Redis answers on every loop, and keeps tasks: any of them may be the one that a caller's connection is on.
    public func checkStore() async throws(SchedulerError) {
        try await ping()
        if let refusal = health.refusal { throw refusal }
    }

    /// Succeeds while Redis answers on every loop.
    func ping() async throws(SchedulerError) {
        do {
            let answers = services.map { slot in
                slot.eventLoop.flatSubmit { self.service(on: slot.eventLoop).store.ping() }
            }
            try await EventLoopFuture.andAllSucceed(answers, on: services[0].eventLoop).get()
        } catch {
            throw error as? SchedulerError ?? SchedulerError(store: error, wrote: false)
        }
    }

    /// From now on these tokens are right, and no others.
    public func replaceTokens(_ tokens: Tokens) {
        self.tokens.withLock { $0 = tokens }
        for slot in services {
            slot.eventLoop.execute { slot.service.value?.tokens = TokenCheck(tokens) }
        }
    }

    /// How many tasks could not be delivered and are not back in their queues yet.
    var undeliveredTasks: Int {
        get async {
            let counts = services.map { slot in
                slot.eventLoop.submit { slot.service.value?.putBacks.taskCount ?? 0 }
            }
            let all = try? await EventLoopFuture.whenAllSucceed(counts, on: services[0].eventLoop).get()
            return all?.reduce(0, +) ?? 0
        }
    }

    /// How many calls wait for a task now.
    public var waitingCalls: Int { lot.count }

    /// Ends the calls that wait for a task, and lets none wait any more: they fail with `draining`.
    public func endWaits() { lot.close() }

    /// Closes the connections to Redis; what is in flight fails by what is known of it.
    public func shutdown() {
        endWaits()
        watch.stop()
        keeper.shutdown()
        order.close()
        aside.close()
        // Tasks that are on their way back would be lost with the connections.
        let deadline = NIODeadline.now() + SchedulerPool.settlingTime
        let settled = services.map { slot in
            slot.eventLoop.flatSubmit {
                slot.service.value?.settled(by: deadline) ?? slot.eventLoop.makeSucceededVoidFuture()
            }
        }
        EventLoopFuture.andAllComplete(settled, on: services[0].eventLoop).whenComplete { [writer, reader] _ in
            writer.shutdown()
            reader?.shutdown()
        }
    }

    /// The service of the loop that the caller is on.
    public func service(on eventLoop: any EventLoop) -> SchedulerService {
        guard let slot = services.first(where: { $0.eventLoop === eventLoop }) else {
            preconditionFailure("the loop is none of the group that the pool was made with")
        }
        if let service = slot.service.value { return service }
        let store = Store(
            writer: writer.connection(on: eventLoop), reader: reader?.connection(on: eventLoop),
            readsElsewhere: configuration.reader != nil, health: health,
            keys: StoreKeys(prefix: configuration.keyPrefix), queuedMax: configuration.queuedMax)
        var configuration = configuration
        configuration.tokens = tokens.withLock { $0 }
        let service = SchedulerService(
            store: store, configuration: configuration, lot: lot, order: order, aside: aside, mender: mender,
            answers: answers, health: health,
            requestWake: { [keeper] in keeper.wake(tasks: $0) }, logger: logger)
        slot.service.value = service
        return service
    }

    /// Calls a service on one of the loops (the caller's own where it is one) and awaits the answer.
    ///
    /// Throws ``DMSModel/SchedulerError`` only.
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable (SchedulerService) -> EventLoopFuture<Value>
    ) async throws(SchedulerError) -> Value {
        let eventLoop = group.any()
        do {
            return try await eventLoop.flatSubmit { body(self.service(on: eventLoop)) }.get()
        } catch {
            throw error as? SchedulerError ?? SchedulerError(store: error, wrote: true)
        }
    }

    private func takeOver() async {
        do {
            try await writer.ready(within: .seconds(86_400))
            for priority in Priority.handOutOrder {
                _ = try await call { [mender] service in
                    mender.run(priority, missing: nil, countingMarks: true, in: service.store)
                }
            }
        } catch {
            // A position that cannot be right is mended by the Get that sees it; why it was not done now was logged.
            logger.debug("The indexes of positions were not looked at", metadata: ["error": "\(error)"])
        }
        aside.look()
        order.look()
        var isFirst = true
        var failures = FailureLog(
            "The order of tasks cannot be looked through: lists may be incomplete",
            over: "The order of tasks is looked through again", logger: logger)
        await order.run {
            do throws(SchedulerError) {
                try await TaskOrderBuilder(pool: self, logger: logger).look(atEverything: isFirst)
                isFirst = false
                failures.succeeded()
            } catch {
                // The next page that is asked for has it done again.
                let isLinkUp = (try? await writer.ready(within: .zero)) != nil
                failures.failed(error, isLinkUp: isLinkUp)
            }
        }
    }
}
