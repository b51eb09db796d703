import NIOCore

/// Pings a server on one connection, and notices when it says nothing any more; lives on the event loop.
final class Pinger {
    private let eventLoop: any EventLoop
    private var keepAlive: KeepAlive?
    private let send: (ByteBuffer) -> Void
    private let lost: () -> Void
    private var timer: Scheduled<Void>?
    /// Makes every ping another one, for those who read along.
    private var number: UInt64 = 0

    /// - Parameters:
    ///   - keepAlive: Nil pings once only, when it starts.
    ///   - send: Sends a ping with these bytes.
    ///   - lost: Is called once.
    init(
        eventLoop: any EventLoop, keepAlive: KeepAlive?, send: @escaping (ByteBuffer) -> Void,
        lost: @escaping () -> Void
    ) {
        self.eventLoop = eventLoop
        self.keepAlive = keepAlive
        self.send = send
        self.lost = lost
    }

    func start() {
        ping(now: .now())
        check()
    }

    /// A byte came.
    func heard() { keepAlive?.heard(now: .now()) }

    func stop() {
        timer?.cancel()
        timer = nil
        keepAlive = nil
    }

    private func ping(now: NIODeadline) {
        number += 1
        send(ByteBuffer(integer: number))
        keepAlive?.asked(now: now)
    }

    private func check() {
        guard let keepAlive else { return }
        let now = NIODeadline.now()
        switch keepAlive.action(now: now) {
        case .ping:
            ping(now: now)
            check()
        case .lost:
            stop()
            lost()
        case .wait(let moment):
            timer = eventLoop.assumeIsolated().scheduleTask(deadline: moment) { [weak self] in self?.check() }
        }
    }
}
