import NIOCore

/// One timer for the expiries of many calls: it rings for the earliest, and whoever it rings for looks at all.
///
/// A timer a call would cost a place in the event loop's heap, and a search through it to take the timer back.
final class ExpiryTimer {
    /// How much later than asked it may ring, so that expiries close to one another share a ring.
    static let slack = TimeAmount.milliseconds(2)

    private let eventLoop: any EventLoop
    private let ring: () -> Void
    private var armed: (at: NIODeadline, timer: Scheduled<Void>)?

    init(eventLoop: any EventLoop, ring: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.ring = ring
    }

    /// Makes it ring soon after that moment, unless it rings earlier anyway.
    func arm(at moment: NIODeadline) {
        if let armed {
            guard moment < armed.at else { return }
            armed.timer.cancel()
        }
        let timer = eventLoop.assumeIsolated().scheduleTask(deadline: moment + ExpiryTimer.slack) { [weak self] in
            guard let self else { return }
            armed = nil
            ring()
        }
        armed = (moment, timer)
    }

    /// Rings no more.
    func cancel() {
        armed?.timer.cancel()
        armed = nil
    }
}
