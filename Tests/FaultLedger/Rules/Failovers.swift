/// What a failover does to what was read.
///
/// A call that was done is done for good, failover or not: the master that takes over has it. A read may show what another call
/// wrote and nobody has confirmed yet; that vanishes when only the old master has it.
extension Ledger {
    /// Whether what a read showed was there for good.
    ///
    /// Before a failover that is sure only if, behind the read, a write of the same master was confirmed: then a replica has all
    /// that stood before it, too. While the master changes nobody knows which of the two was read.
    func isLasting(_ read: Call) -> Bool {
        guard let completed = read.completed else { return false }
        let next = history.failovers.first { failover in
            guard let ended = failover.ended else { return true }
            return ended.order > read.invoked.order
        }
        guard let next else { return true }
        guard completed.order < next.began.order else { return false }
        return index.confirmations.hasOne(from: completed.order, to: next.began.order)
    }
}

/// Calls whose answers say that all that stood before them is on a replica.
struct Confirmations {
    /// When each was sent, in order.
    private var begun: [Int] = []
    /// For each the earliest end of all that were sent then or later.
    private var earliestEnds: [Int] = []

    init(_ calls: [Call]) {
        var earliest = Int.max
        for call in calls.sorted(by: { $0.invoked.order > $1.invoked.order }) where call.isConfirmation {
            earliest = min(earliest, call.completed?.order ?? .max)
            begun.append(call.invoked.order)
            earliestEnds.append(earliest)
        }
        begun.reverse()
        earliestEnds.reverse()
    }

    /// Whether one began and ended, as a whole, between two moments.
    func hasOne(from start: Int, to end: Int) -> Bool {
        let first = begun.count(upTo: start)
        return first < begun.count && earliestEnds[first] < end
    }
}

extension Call {
    /// Whether its answer says that what it wrote, and all that was written before, will last.
    var isConfirmation: Bool {
        guard case .done(let answer) = outcome else { return false }
        switch operation {
        case .get, .list, .statistics: return false
        case .next:
            // Of a hand-out of nothing nobody has to confirm anything.
            guard case .tasks(let tasks, _) = answer else { return false }
            return !tasks.isEmpty
        case .enqueue, .ack, .renew, .giveBack, .finish, .cancel, .setPriority, .block: return true
        }
    }
}
