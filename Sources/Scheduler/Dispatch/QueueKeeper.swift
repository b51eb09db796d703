import Logging
import NIOCore
import RedisLink

/// What every process does for the queues beside its calls, on one event loop: it wakes who waits for a task, and puts the
/// tasks of ended leases back.
final class QueueKeeper: Sendable {
    private let configuration: SchedulerConfiguration
    private let lot: ParkingLot
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let workers: NIOLoopBoundBox<Workers?>
    private let subscriber: RedisSubscriber

    /// What lives on the loop.
    private struct Workers {
        var waker: Waker
        var reaper: LeaseReaper
    }

    init(configuration: SchedulerConfiguration, lot: ParkingLot, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.lot = lot
        self.eventLoop = eventLoop
        self.logger = logger
        let workers = NIOLoopBoundBox.makeEmptyBox(valueType: Workers.self, eventLoop: eventLoop)
        self.workers = workers
        subscriber = RedisSubscriber(
            url: configuration.writer, placement: configuration.writerPlacement, options: configuration.readerOptions,
            channel: StoreKeys(prefix: configuration.keyPrefix).wakeChannel, eventLoop: eventLoop, logger: logger,
            // While nobody listened, messages may have been missed.
            onReady: { workers.value?.waker.wake(tasks: 1) },
            onMessage: { message in workers.value?.waker.wake(tasks: Int(message) ?? 1) })
    }

    /// Works until ``shutdown()``; the loop's service is made on the loop.
    func run(_ makeService: @escaping @Sendable () -> SchedulerService) async {
        eventLoop.execute { [self] in
            let service = makeService()
            let workers = Workers(
                waker: Waker(store: service.store, lot: lot, server: service.parkedCallServer),
                reaper: LeaseReaper(store: service.store, clock: configuration.clock, logger: logger))
            self.workers.value = workers
            workers.waker.start()
            workers.reaper.start()
        }
        await subscriber.run()
        try? await eventLoop.submit { [self] in
            workers.value?.waker.stop()
            workers.value?.reaper.stop()
            workers.value = nil
        }.get()
    }

    /// Some tasks may have come; may be called on any thread.
    func wake(tasks: Int) {
        eventLoop.execute { self.workers.value?.waker.wake(tasks: tasks) }
    }

    func shutdown() { subscriber.shutdown() }
}
