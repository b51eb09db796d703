import NIOCore

/// Has the servers looked at now and then, on one event loop.
final class StoreWatch: Sendable {
    private let health: StoreHealth
    private let eventLoop: any EventLoop
    private let next: NIOLoopBoundBox<Scheduled<Void>?>

    init(health: StoreHealth, eventLoop: any EventLoop) {
        self.health = health
        self.eventLoop = eventLoop
        next = .makeEmptyBox(valueType: Scheduled<Void>.self, eventLoop: eventLoop)
    }

    /// Calls the body on the loop again and again.
    func start(_ look: @escaping @Sendable () -> Void) {
        eventLoop.execute { self.schedule(look) }
    }

    func stop() {
        eventLoop.execute {
            self.next.value?.cancel()
            self.next.value = nil
        }
    }

    private func schedule(_ look: @escaping @Sendable () -> Void) {
        next.value = eventLoop.scheduleTask(in: TimeAmount(health.pause)) {
            look()
            self.schedule(look)
        }
    }
}
