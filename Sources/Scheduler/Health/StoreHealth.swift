import DMSModel
import Logging
import NIOCore
import RedisLink
import Synchronization

/// Whether Redis keeps what it is given, and whether the reader has what was written; one for all event loops.
///
/// Every connection asks its server before it is used; all of them ask again now and then. What is known costs a call nothing
/// more than a look at a flag.
final class StoreHealth: Sendable {
    /// What is known of the servers.
    struct Findings: Sendable, Equatable {
        var eviction: ServerReport.Eviction?
        var policy = ""
        var hasAppendOnlyFile: Bool?
        var savesSnapshots: Bool?
        /// Whether the reader has the writer's data; nil where there is no other reader, or that is not known.
        var isReaderRelated: Bool?
    }

    fileprivate struct State {
        var writers: [ObjectIdentifier: ServerReport] = [:]
        var readers: [ObjectIdentifier: ServerReport.Replication] = [:]
        var findings: Findings?
        /// What the log was told; of the reader only once it is certain.
        var told: Findings?
        var unrelatedSince: NIODeadline?
    }

    /// How soon a reader that seems to be another Redis is looked at again, and how many times, before the log says so: while
    /// a replica takes over, nobody follows anybody for a moment.
    private static let secondLookAfter = Duration.seconds(1)
    fileprivate static let looksBeforeTelling = 3

    private let response: EvictionResponse
    private let interval: Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let refuses = Atomic(false)
    private let isReaderUnrelated = Atomic(false)

    init(response: EvictionResponse, interval: Duration, logger: Logger) {
        self.response = response
        self.interval = interval
        self.logger = logger
    }

    /// Why no task may be submitted; nil where one may.
    var refusal: SchedulerError? {
        guard refuses.load(ordering: .relaxed) else { return nil }
        return SchedulerError(
            .storeUnavailable,
            "The store is not available: Redis may evict tasks, since its maxmemory-policy is \(findings?.policy ?? ""). "
                + "Set 'maxmemory-policy noeviction' in its configuration", retryAfter: .seconds(10))
    }

    /// Whether the reader is another Redis, so that reads go to the writer.
    var readsAtWriter: Bool { isReaderUnrelated.load(ordering: .relaxed) }

    /// What is known now; nil where no Redis was reached yet.
    var findings: Findings? { state.withLock(\.findings) }

    /// When to look again.
    var pause: Duration {
        let isUncertain = state.withLock { $0.unrelatedSince != nil && $0.told?.isReaderRelated != false }
        return isUncertain ? min(interval, StoreHealth.secondLookAfter) : interval
    }

    /// What a new connection to the writer asks.
    var writerInspection: RedisInspection {
        RedisInspection(ServerReport.commands) { [self] in note(writer: $1, on: $0) }
    }

    /// What a new connection to a reader of its own asks.
    var readerInspection: RedisInspection {
        RedisInspection([ServerReport.Replication.command]) { [self] in note(reader: $1, on: $0) }
    }

    /// Asks the servers of a loop again; there may be no reader of its own.
    func look(at writer: RedisConnection, _ reader: RedisConnection?) {
        let eventLoop = writer.eventLoop
        // Who may not ask for snapshots is not to fill Redis's log of refusals.
        let mayAskAll = state.withLock { $0.writers[ObjectIdentifier(eventLoop)]?.savesSnapshots != nil }
        writer.ask(mayAskAll ? ServerReport.commands[...] : ServerReport.commands.dropLast())
            .whenSuccess { self.note(writer: $0, on: eventLoop) }
        reader?.ask([ServerReport.Replication.command]).whenSuccess { self.note(reader: $0, on: eventLoop) }
    }

    private func note(writer answers: [RedisValue], on eventLoop: any EventLoop) {
        guard let report = ServerReport(answers) else { return }
        note { $0.writers[ObjectIdentifier(eventLoop)] = report }
    }

    private func note(reader answers: [RedisValue], on eventLoop: any EventLoop) {
        guard let replication = answers.first.flatMap({ ServerReport.Replication($0) }) else { return }
        note { $0.readers[ObjectIdentifier(eventLoop)] = replication }
    }

    private func note(_ change: (inout State) -> Void) {
        let lines = state.withLock { state in
            change(&state)
            // A reader says nothing by itself.
            guard !state.writers.isEmpty else { return [Line]() }
            let findings = state.judge()
            state.findings = findings
            refuses.store(response == .refuse && findings.eviction == .anything, ordering: .relaxed)
            isReaderUnrelated.store(findings.isReaderRelated == false, ordering: .relaxed)
            let news = state.news(of: findings, tellingAfter: min(interval, StoreHealth.secondLookAfter))
            defer { state.told = news }
            return news.lines(since: state.told ?? Findings(eviction: .nothing, hasAppendOnlyFile: true), response)
        }
        for line in lines { logger.log(level: line.level, line.message, metadata: line.metadata) }
    }
}

extension StoreHealth.State {
    /// What follows from all that was said; the worst server counts.
    fileprivate func judge() -> StoreHealth.Findings {
        var findings = StoreHealth.Findings()
        let worst = writers.values.max { ($0.eviction?.rawValue ?? -1) < ($1.eviction?.rawValue ?? -1) }
        findings.eviction = worst?.eviction
        findings.policy = worst?.policy ?? ""
        findings.hasAppendOnlyFile = StoreHealth.State.all(writers.values.map(\.hasAppendOnlyFile))
        findings.savesSnapshots = StoreHealth.State.all(writers.values.map(\.savesSnapshots))
        findings.isReaderRelated = StoreHealth.State.all(
            readers.map { loop, reader in writers[loop]?.replication?.isShared(by: reader) })
        return findings
    }

    /// False where one is, true where the others are that say anything.
    private static func all(_ answers: [Bool?]) -> Bool? {
        let known = answers.compactMap(\.self)
        return known.isEmpty ? nil : !known.contains(false)
    }

    /// What the log may be told of the findings.
    fileprivate mutating func news(
        of findings: StoreHealth.Findings, tellingAfter delay: Duration
    ) -> StoreHealth.Findings {
        var news = findings
        guard findings.isReaderRelated == false else {
            unrelatedSince = nil
            return news
        }
        let since = unrelatedSince ?? .now()
        unrelatedSince = since
        let isCertain = NIODeadline.now() - since >= TimeAmount(delay) * StoreHealth.looksBeforeTelling
        if !isCertain, told?.isReaderRelated != false { news.isReaderRelated = told?.isReaderRelated }
        return news
    }
}
