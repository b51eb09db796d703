/// Which node of a Redis Cluster holds a slot, as one node sees it.
struct ClusterMap {
    /// Who holds the slot; nil where nobody does.
    var master: RedisURL.Address?
    /// Who follows that node.
    var replicas: [RedisURL.Address] = []
    /// All nodes.
    var nodes: [RedisURL.Address] = []

    static let command = RedisCommand("CLUSTER", "SLOTS", readOnly: true)

    /// Reads the answer to ``command`` of the node at that address; nil where it is none.
    init?(_ value: RedisValue, slot: Int, askedAt asked: RedisURL.Address) {
        guard let ranges = value.array else { return nil }
        for range in ranges {
            guard let words = range.array, words.count >= 3, let first = words[0].integer, let last = words[1].integer
            else { return nil }
            let holders = words[2...].map { ClusterMap.address($0, askedAt: asked) }
            nodes += holders.compactMap(\.self)
            if (first...max(first, last)).contains(slot) {
                master = holders[0]
                replicas = holders.dropFirst().compactMap(\.self)
            }
        }
    }

    /// What most maps say; the first of them, where several say as many.
    static func agreed(_ maps: [ClusterMap]) -> ClusterMap? {
        let votes = Dictionary(grouping: maps.filter { $0.master != nil }) { $0.master }
        return maps.enumerated().filter { $0.element.master != nil }
            .max {
                (votes[$0.element.master]?.count ?? 0, -$0.offset) < (votes[$1.element.master]?.count ?? 0, -$1.offset)
            }?
            .element
    }

    /// The address in `[host, port, id, …]`: without a host it is that of the node that was asked.
    private static func address(_ value: RedisValue, askedAt asked: RedisURL.Address) -> RedisURL.Address? {
        guard let words = value.array, words.count >= 2, let port = words[1].string else { return nil }
        let host = words[0].string ?? ""
        if host.isEmpty, case .tcp(let host, _) = asked { return SentinelAnswer.address(host, port) }
        return host == "?" ? nil : SentinelAnswer.address(host, port)
    }
}

/// Where a node of a Redis Cluster sends who asked it for a slot that it does not hold.
enum ClusterRedirection: Equatable {
    /// The slot is there from now on.
    case moved(RedisURL.Address)
    /// The slot is on its way there: only this call has to go there.
    case ask(RedisURL.Address)

    /// Reads `MOVED slot host:port` or `ASK slot host:port`; nil of any other error.
    init?(_ error: RedisError, from asked: RedisURL.Address?) {
        guard case .reply(let code, let message) = error, code == "MOVED" || code == "ASK" else { return nil }
        let words = message.split(separator: " ")
        guard words.count >= 2, let colon = words[1].lastIndex(of: ":") else { return nil }
        var host = String(words[1][..<colon])
        if host.isEmpty, case .tcp(let own, _) = asked { host = own }
        guard let address = SentinelAnswer.address(host, words[1][words[1].index(after: colon)...]) else { return nil }
        self = code == "MOVED" ? .moved(address) : .ask(address)
    }
}
