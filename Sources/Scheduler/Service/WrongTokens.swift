public import DMSModel
import Logging
public import NIOCore
import Synchronization

/// Slows down whoever sends wrong tokens, and nobody else: each wrong one of an address is answered after the one before, and later.
///
/// A right token is never late, from whatever address: nobody asks here about one.
public final class WrongTokens: Sendable {
    /// What becomes of a call that came with a wrong token.
    public enum Verdict: Sendable, Equatable {
        /// It gets its answer, when it is its turn.
        case answer(after: TimeAmount)
        /// It gets ``WrongTokens/refusal`` by then, and the connection ends: too many wait for their turn.
        case refuse(after: TimeAmount)
        /// The connection ends at once: even of those there are too many.
        case close
    }

    /// What those are told whose turn would be too far off.
    public static let refusal = SchedulerError(
        .limitRate, "Too many wrong tokens come from here, so the connection is closed",
        retryAfter: .nanoseconds(WrongTokenTable.waitMax.nanoseconds))

    private let logger: Logger
    private let table = Mutex(WrongTokenTable())

    init(logger: Logger) { self.logger = logger }

    /// How many were sent since the beginning.
    var count: Int { table.withLock(\.count) }

    /// Counts a call that came with a wrong token, and says what becomes of it.
    ///
    /// Goes into the log at most once a second.
    public func verdict(for address: SocketAddress?, at now: NIODeadline = .now()) -> Verdict {
        let (verdict, unlogged) = table.withLock { table in
            (table.count(ClientAddress(address), at: now), table.lineToLog(at: now))
        }
        if let unlogged {
            logger.warning(
                "A wrong token was sent",
                metadata: ["client": "\(address?.ipAddress ?? "unix socket")", "unlogged": "\(unlogged)"])
        }
        return verdict
    }
}

/// When the answers to wrong tokens are due, by address and in all; does no I/O.
///
/// It notes times and no calls: a slot is taken until its time, whether anybody still waits for the answer or not.
struct WrongTokenTable {
    /// The first wrong token of an address is answered so much later; each one after it takes twice as long, behind the one before.
    static let delayMin = TimeAmount.milliseconds(10)
    static let delayMax = TimeAmount.seconds(1)
    /// Between two answers, whatever the addresses.
    static let pauseInAll = TimeAmount.milliseconds(10)
    /// Nobody waits longer for an answer.
    static let waitMax = TimeAmount.seconds(10)
    /// Who would have to is refused after so long, as long as there are not too many of them.
    static let refusalDelay = TimeAmount.seconds(1)
    static let pauseBetweenRefusals = TimeAmount.milliseconds(1)
    /// An address that has sent none for so long begins anew.
    static let forgottenAfter = TimeAmount.seconds(60)
    /// Of more addresses those are forgotten that sent none for long.
    static let addressesMax = 1024
    private static let logEvery = TimeAmount.seconds(1)

    private struct Entry {
        var delay: TimeAmount
        var last: NIODeadline
        /// When the last answer is due.
        var due: NIODeadline
    }

    /// All clients of unix sockets count as one.
    private typealias Entries = [ClientAddress?: Entry]

    // Those since the last change, and those of the time before: to forget costs nothing then, however many there are.
    private var entries = Entries()
    private var earlier = Entries()
    private var dueInAll = NIODeadline.uptimeNanoseconds(0)
    private var refusalsDue = NIODeadline.uptimeNanoseconds(0)
    private var nextLine = NIODeadline.uptimeNanoseconds(0)
    private var unlogged = 0

    /// How many were counted since the beginning.
    private(set) var count = 0

    var addressCount: Int { Set(entries.keys).union(earlier.keys).count }

    /// Counts a wrong token.
    mutating func count(_ address: ClientAddress?, at now: NIODeadline) -> WrongTokens.Verdict {
        count += 1
        var entry = Entry(delay: WrongTokenTable.delayMin, last: now, due: now)
        if let known = entries[address] ?? earlier[address], now - known.last < WrongTokenTable.forgottenAfter {
            entry.delay = min(known.delay + known.delay, WrongTokenTable.delayMax)
            entry.due = max(known.due, now)
        }
        let turn = max(entry.due + entry.delay, max(dueInAll, now) + WrongTokenTable.pauseInAll)
        let hasTurn = turn - now <= WrongTokenTable.waitMax
        if hasTurn {
            entry.due = turn
            dueInAll = max(dueInAll, now) + WrongTokenTable.pauseInAll
        }
        keep(entry, of: address)
        return hasTurn ? .answer(after: turn - now) : refuse(at: now)
    }

    private mutating func refuse(at now: NIODeadline) -> WrongTokens.Verdict {
        let due = max(refusalsDue, now) + WrongTokenTable.pauseBetweenRefusals
        guard due - now <= WrongTokenTable.refusalDelay else { return .close }
        refusalsDue = due
        return .refuse(after: WrongTokenTable.refusalDelay)
    }

    private mutating func keep(_ entry: Entry, of address: ClientAddress?) {
        entries[address] = entry
        guard entries.count >= WrongTokenTable.addressesMax / 2 else { return }
        earlier = entries
        entries = [:]
    }

    /// How many have not been logged since the last line, where there is to be a line now.
    mutating func lineToLog(at now: NIODeadline) -> Int? {
        guard now >= nextLine else {
            unlogged += 1
            return nil
        }
        defer { unlogged = 0 }
        nextLine = now + WrongTokenTable.logEvery
        return unlogged
    }
}
