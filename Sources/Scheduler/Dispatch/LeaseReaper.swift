import DMSModel
import Logging
import NIOCore
import RedisLink

/// Puts tasks whose leases have ended back, on one event loop of every process: no process is missed when it is gone.
final class LeaseReaper {
    /// Leases that other processes gave are looked for this often, so that a task is back well within 250 ms.
    private static let interval = TimeAmount.milliseconds(100)

    private let store: Store
    private let clock: SystemClock
    private let logger: Logger
    private var next: Scheduled<Void>?
    private var isStopped = false
    private var failures: FailureLog

    init(store: Store, clock: SystemClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
        failures = FailureLog(
            "Leases that have ended cannot be taken back", over: "Leases that have ended are taken back again",
            level: .error, logger: logger)
    }

    func start() { look() }

    func stop() {
        isStopped = true
        next?.cancel()
    }

    private func look() {
        guard !isStopped else { return }
        store.endLeases(at: clock.now()).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let outcome):
                self.failures.succeeded()
                self.go(on: outcome)
            case .failure(let error):
                self.failures.failed(error, isLinkUp: self.store.writer.isReady)
                self.look(in: LeaseReaper.interval)
            }
        }
    }

    private func go(on outcome: EndLeasesScript.Outcome) {
        if outcome.requeued > 0 {
            logger.info("Leases ended; their tasks are queued again", metadata: ["tasks": "\(outcome.requeued)"])
        }
        if !outcome.strays.isEmpty {
            logger.warning("Leases ended without a task that was handed out", metadata: ["some": "\(outcome.strays)"])
        }
        if outcome.hasMore { return look() }
        let untilNext = outcome.untilNext.map { TimeAmount($0) } ?? LeaseReaper.interval
        look(in: min(max(untilNext, .milliseconds(1)), LeaseReaper.interval))
    }

    private func look(in delay: TimeAmount) {
        guard !isStopped else { return }
        next = store.writer.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.look() }
    }
}
