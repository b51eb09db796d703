public import DMSMetrics
import DMSModel
import NIOCore

extension SchedulerPool: MetricsSource {
    private static let waiting = Metric(
        "dms_waiting_calls", .gauge, "Calls that wait for a task at this process.")
    private static let wrongTokens = Metric(
        "dms_wrong_tokens_total", .counter, "Calls that came with a wrong token.")
    private static let answerBytes = Metric(
        "dms_answer_memory_bytes", .gauge,
        "What large answers take up until their clients have taken them, and reads that are under way for such.")
    private static let undelivered = Metric(
        "dms_undelivered_tasks", .gauge,
        "Tasks that could not be delivered and are not back in their queues yet, at this process.")
    private static let evicts = Metric(
        "dms_redis_evicts", .gauge,
        "1 where Redis may evict keys when its memory is full: all, tasks too, or only those that expire.")
    private static let persistence = Metric(
        "dms_redis_persistence", .gauge, "1 where Redis keeps its data in a file of that kind, else 0.")
    private static let isReaderRelated = Metric(
        "dms_redis_reader_is_replica", .gauge,
        "1 where the reader has the writer's data; 0 where it is another Redis, so that reads go to the writer.")
    private static let isUp = Metric(
        "dms_redis_up", .gauge,
        "1 while Redis answers on every event loop; else 0, and what is kept in Redis is left out.")
    private static let roundTrip = Metric(
        "dms_redis_round_trip_seconds", .gauge, "How long Redis took to answer on all event loops, just now.")
    private static let queued = Metric(
        "dms_tasks_queued", .gauge, "Tasks that are queued, by priority; the same at every process.")
    private static let leased = Metric(
        "dms_tasks_leased", .gauge, "Tasks that are under a lease; the same at every process.")
    private static let setAside = Metric(
        "dms_tasks_set_aside", .gauge,
        "Tasks that are in no queue because their records can't be read, or are too large; the same at every process.")
    private static let oldest = Metric(
        "dms_oldest_queued_task_age_seconds", .gauge,
        "How long ago the oldest queued task was enqueued; 0 where none is queued; the same at every process.")
    private static let events = Metric(
        "dms_task_events_total", .counter,
        "What became of tasks since the first one, by event; kept in Redis, and the same at every process.")
    private static let blocked = Metric(
        "dms_submissions_blocked", .gauge,
        "1 while an admin has blocked submissions, else 0; the same at every process.")

    /// Adds what waits here and what Redis holds; see ``DMSMetrics/MetricsSource``.
    public func show(on page: inout MetricsPage) async {
        page.add(SchedulerPool.waiting, waitingCalls)
        page.add(SchedulerPool.wrongTokens, wrongTokens.count)
        page.add(SchedulerPool.answerBytes, answers.bytesInUse)
        page.add(SchedulerPool.undelivered, await undeliveredTasks)
        let asked = NIODeadline.now()
        let isUp = (try? await ping()) != nil
        page.add(SchedulerPool.isUp, isUp ? 1 : 0)
        guard isUp else { return }
        page.add(SchedulerPool.roundTrip, Double((NIODeadline.now() - asked).nanoseconds) / 1e9)
        if let findings = health.findings { SchedulerPool.show(findings, on: &page) }
        // What another program has spoilt is left out; whoever needs it is told.
        if let isBlocked = try? await call({ $0.store.readBlock().map(\.blocked) }) {
            page.add(SchedulerPool.blocked, isBlocked ? 1 : 0)
        }
        if let statistics = try? await call({ $0.statistics() }) {
            SchedulerPool.show(statistics, at: configuration.clock.now(), on: &page)
        }
    }

    /// What Redis does not say is left out.
    private static func show(_ findings: StoreHealth.Findings, on page: inout MetricsPage) {
        if let eviction = findings.eviction {
            page.add(evicts, eviction == .anything ? 1 : 0, ["keys": "all"])
            page.add(evicts, eviction == .expiring ? 1 : 0, ["keys": "expiring"])
        }
        for (kind, isKept) in [("aof", findings.hasAppendOnlyFile), ("rdb", findings.savesSnapshots)] {
            if let isKept { page.add(persistence, isKept ? 1 : 0, ["kind": kind]) }
        }
        if let isRelated = findings.isReaderRelated { page.add(isReaderRelated, isRelated ? 1 : 0) }
    }

    private static func show(_ statistics: Statistics, at now: Timestamp, on page: inout MetricsPage) {
        let overview = statistics.overview
        for (priority, count) in [(Priority.high, overview.high), (.mid, overview.mid), (.low, overview.low)] {
            page.add(queued, count, ["priority": priority.rawValue])
        }
        page.add(leased, statistics.leased)
        page.add(setAside, statistics.setAside)
        let age = statistics.oldestQueuedAt.map { Double(now.microseconds) - Double($0.microseconds) } ?? 0
        // Another machine's clock may be ahead.
        page.add(oldest, max(0, age) / 1e6)
        let counters = [
            ("queued", statistics.queued), ("dispatched", statistics.dispatched), ("canceled", statistics.canceled),
            ("completed", statistics.completed), ("failed", statistics.failed), ("requeued", statistics.requeued),
        ]
        for (event, count) in counters { page.add(events, count, ["event": event]) }
    }
}
