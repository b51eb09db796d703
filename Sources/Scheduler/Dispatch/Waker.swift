import NIOCore
import RedisLink

/// Serves the calls that wait for a task, when there may be one; on one event loop, for all.
///
/// It takes as many calls off the parking lot as there are tasks, so that a burst of some tasks wakes as many calls and not all.
final class Waker {
    /// How long a task may stay unnoticed where a message was lost.
    private static let pollInterval = TimeAmount.seconds(1)

    private let store: Store
    private let lot: ParkingLot
    private let server: ParkedCallServer
    private let eventLoop: any EventLoop
    /// How many tasks there may be that nobody was served with.
    private var credit = 0
    private var isServing = false
    private var poll: Scheduled<Void>?

    init(store: Store, lot: ParkingLot, server: ParkedCallServer) {
        self.store = store
        self.lot = lot
        self.server = server
        eventLoop = store.writer.eventLoop
    }

    func start() {
        poll = eventLoop.assumeIsolated().scheduleTask(in: Waker.pollInterval) {
            self.look()
            self.start()
        }
    }

    func stop() { poll?.cancel() }

    /// Looks before it takes: what only reads may fail without a doubt about what it did.
    private func look() {
        guard !lot.isEmpty else { return }
        store.hasQueued().assumeIsolated().whenSuccess { if $0 { self.wake(tasks: 1) } }
    }

    /// Some tasks may have come.
    func wake(tasks: Int) {
        lot.noteWake()
        credit = min(credit + max(tasks, 1), Dispatcher.tasksPerCallMax)
        serve()
    }

    private func serve() {
        guard !isServing, credit > 0 else { return }
        let calls = lot.take(tasks: credit)
        credit = 0
        guard !calls.isEmpty else { return }
        isServing = true
        server.serve(calls) { mayBeMore in
            self.isServing = false
            // Where there was enough for everybody there may be more.
            if mayBeMore { self.credit = min(max(self.credit, 2 * calls.count), Dispatcher.tasksPerCallMax) }
            self.serve()
        }
    }
}
