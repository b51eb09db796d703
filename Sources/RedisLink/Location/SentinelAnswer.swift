/// What a sentinel knows of a master.
struct SentinelAnswer {
    /// Where the master is; nil where this sentinel knows none of that name.
    var master: RedisURL.Address?
    /// Counts the failovers: of two sentinels the one with the higher number knows the later one.
    var epoch: Int
    /// Replicas that follow the master and answer.
    var replicas: [RedisURL.Address]

    /// What to ask.
    static func commands(master: String, withReplicas: Bool) -> [RedisCommand] {
        // The first answer names the new master as soon as it was promoted; only the second says how late that news is.
        [RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master), RedisCommand("SENTINEL", "MASTER", master)]
            + (withReplicas ? [RedisCommand("SENTINEL", "REPLICAS", master)] : [])
    }

    init(_ values: [RedisValue]) {
        let words = values.first?.array?.compactMap(\.string) ?? []
        master = words.count == 2 ? SentinelAnswer.address(words[0], words[1]) : nil
        epoch = SentinelAnswer.fields(values.dropFirst().first)["config-epoch"].flatMap { Int($0) } ?? 0
        replicas = (values.dropFirst(2).first?.array ?? []).compactMap { value in
            let fields = SentinelAnswer.fields(value)
            let flags = fields["flags"]?.split(separator: ",") ?? []
            guard flags == ["slave"], fields["master-link-status"] == "ok", let host = fields["ip"],
                let port = fields["port"]
            else { return nil }
            return SentinelAnswer.address(host, port)
        }
    }

    /// The one that knows the latest failover; the first of them, where several do.
    static func latest(_ answers: [SentinelAnswer]) -> SentinelAnswer? {
        answers.filter { $0.master != nil }.enumerated().max {
            ($0.element.epoch, -$0.offset) < ($1.element.epoch, -$1.offset)
        }?
        .element
    }

    static func address(_ host: some StringProtocol, _ port: some StringProtocol) -> RedisURL.Address? {
        guard let port = Int(port), (1...65_535).contains(port), !host.isEmpty else { return nil }
        return .tcp(host: String(host), port: port)
    }

    /// The names and values that stand in turn in an array.
    private static func fields(_ value: RedisValue?) -> [String: String] {
        var fields: [String: String] = [:]
        var rest = (value?.array ?? [])[...]
        while rest.count >= 2 {
            if let name = rest.removeFirst().string, let text = rest.removeFirst().string { fields[name] = text }
        }
        return fields
    }
}

/// What the sentinels say of a master that moved.
struct SentinelNews: Equatable {
    /// What they call the master.
    var name: String
    var old: RedisURL.Address
    var new: RedisURL.Address

    /// The channels that have such messages: a replica was made the master, and the others follow it now.
    static let channels = ["+promoted-slave", "+switch-master"]

    /// Reads `name old-host old-port new-host new-port` or `slave id new-host new-port @ name old-host old-port`.
    init?(_ message: String) {
        let words = message.split(separator: " ")
        if words.count == 5, let old = SentinelAnswer.address(words[1], words[2]),
            let new = SentinelAnswer.address(words[3], words[4])
        {
            self.init(name: String(words[0]), old: old, new: new)
        } else if words.count == 8, words[0] == "slave", words[4] == "@",
            let new = SentinelAnswer.address(words[2], words[3]), let old = SentinelAnswer.address(words[6], words[7])
        {
            self.init(name: String(words[5]), old: old, new: new)
        } else {
            return nil
        }
    }

    private init(name: String, old: RedisURL.Address, new: RedisURL.Address) {
        self.name = name
        self.old = old
        self.new = new
    }
}
