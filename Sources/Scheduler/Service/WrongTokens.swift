import Glibc
import Logging
public import NIOCore
import Synchronization

/// Slows down whoever sends wrong tokens, and nobody else: each wrong one of an address is answered later than the one
/// before, up to a second.
///
/// A right token is never late, from whatever address.
public final class WrongTokens: Sendable {
    private let logger: Logger
    private let table = Mutex(WrongTokenTable())

    init(logger: Logger) { self.logger = logger }

    /// How many were sent since the beginning.
    var count: Int { table.withLock(\.count) }

    /// Counts a call that came with a wrong token, and says how long its answer is to be held back.
    ///
    /// Goes into the log at most once a second.
    public func delay(for address: SocketAddress?, at now: NIODeadline = .now()) -> TimeAmount {
        let (delay, unlogged) = table.withLock { table in
            (table.count(WrongTokenTable.Key(address), at: now), table.lineToLog(at: now))
        }
        if let unlogged {
            logger.warning(
                "A wrong token was sent",
                metadata: ["client": "\(address?.ipAddress ?? "unix socket")", "unlogged": "\(unlogged)"])
        }
        return delay
    }
}

/// How often each address sent a wrong token lately; does no I/O.
struct WrongTokenTable {
    /// The first wrong token of an address is answered so much later; each one after it takes twice as long.
    static let delayMin = TimeAmount.milliseconds(10)
    static let delayMax = TimeAmount.seconds(1)
    /// An address that has sent none for so long begins anew.
    static let forgottenAfter = TimeAmount.seconds(60)
    /// Of more addresses those that sent none for longest are forgotten.
    static let addressesMax = 1024
    private static let logEvery = TimeAmount.seconds(1)

    /// Whom wrong tokens are counted for: an IPv4 address, or the 64 bits of an IPv6 address that a customer is given.
    struct Key: Hashable {
        private var prefix: UInt64 = 0
        /// Of an IPv6 address nothing, unless an IPv4 address may be inside it.
        private var rest: UInt64 = 0

        /// All clients of unix sockets count as one.
        init(_ address: SocketAddress?) {
            guard let text = address?.ipAddress else { return }
            var short = UInt32(0)
            if unsafe inet_pton(AF_INET, text, &short) == 1 {
                rest = UInt64(short)
                return
            }
            var words = (UInt64(0), UInt64(0))
            guard unsafe inet_pton(AF_INET6, text, &words) == 1 else { return }
            prefix = words.0
            if prefix == 0 { rest = words.1 }
        }
    }

    private struct Entry {
        var delay: TimeAmount
        var last: NIODeadline
    }

    private var entries: [Key: Entry] = [:]
    private var nextLine = NIODeadline.uptimeNanoseconds(0)
    private var unlogged = 0

    /// How many were counted since the beginning.
    private(set) var count = 0

    var addressCount: Int { entries.count }

    /// Counts a wrong token; how long its answer is to be held back.
    mutating func count(_ key: Key, at now: NIODeadline) -> TimeAmount {
        count += 1
        if let earlier = entries[key], now - earlier.last < WrongTokenTable.forgottenAfter {
            let delay = min(.nanoseconds(earlier.delay.nanoseconds * 2), WrongTokenTable.delayMax)
            entries[key] = Entry(delay: delay, last: now)
            return delay
        }
        if entries[key] == nil, entries.count >= WrongTokenTable.addressesMax { makeRoom() }
        entries[key] = Entry(delay: WrongTokenTable.delayMin, last: now)
        return WrongTokenTable.delayMin
    }

    private mutating func makeRoom() {
        guard let oldest = entries.min(by: { $0.value.last < $1.value.last }) else { return }
        entries[oldest.key] = nil
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
