import NIOCore
import RedisLink

/// What a Redis says of how it keeps what it is given.
struct ServerReport: Sendable, Equatable {
    /// What it may remove by itself when its memory is full.
    enum Eviction: Int, Sendable {
        case nothing
        /// Keys with a time to live: of ours the cached responses only.
        case expiring
        case anything
    }

    /// Whose data it has.
    struct Replication: Sendable, Equatable {
        /// A master's own; its replicas, and theirs, take it over.
        var id: String
        var isMaster: Bool
        /// Whether it gets what its master writes; of a replica only.
        var isFollowing: Bool
    }

    /// Nil where it does not say.
    var eviction: Eviction?
    /// Its `maxmemory-policy`.
    var policy = ""
    /// Whether it has an append-only file; nil where it does not say.
    var hasAppendOnlyFile: Bool?
    /// Whether it saves snapshots by itself; nil where it does not say.
    var savesSnapshots: Bool?
    var replication: Replication?

    /// What a server that is written to is asked, in the order of the answers.
    ///
    /// Only the last one knows of snapshots, and not everybody may call it: it may be left out.
    static let commands = [
        RedisCommand("INFO", "memory", readOnly: true), RedisCommand("INFO", "persistence", readOnly: true),
        Replication.command, RedisCommand("CONFIG", "GET", "save", readOnly: true),
    ]

    /// Reads the answers; nil where the server cannot tell now, as while it is held by a script.
    init?(_ answers: [RedisValue]) {
        guard answers.count >= 3, answers.allSatisfy({ $0.error?.isForGood ?? true }) else { return nil }
        let (memory, persistence) = (ServerReport.fields(answers[0]), ServerReport.fields(answers[1]))
        if let name = memory["maxmemory_policy"] {
            policy = name
            // Without a bound nothing is removed.
            if memory["maxmemory"] == "0" || name == "noeviction" {
                eviction = .nothing
            } else {
                eviction = name.hasPrefix("volatile-") ? .expiring : .anything
            }
        }
        hasAppendOnlyFile = persistence["aof_enabled"].map { $0 != "0" }
        replication = Replication(answers[2])
        if answers.count > 3, let setting = answers[3].array, setting.count == 2 {
            savesSnapshots = setting[1].string.map { !$0.isEmpty }
        }
    }

    /// The lines `name:value` of an answer to INFO.
    fileprivate static func fields(_ answer: RedisValue) -> [String: String] {
        var fields: [String: String] = [:]
        for line in (answer.string ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }
}

extension ServerReport.Replication {
    /// What a server is asked.
    static let command = RedisCommand("INFO", "replication", readOnly: true)

    /// Reads the answer; nil where the server does not say.
    init?(_ answer: RedisValue) {
        let fields = ServerReport.fields(answer)
        guard let id = fields["master_replid"], let role = fields["role"] else { return nil }
        self.init(
            id: id, isMaster: role == "master",
            isFollowing: fields["master_link_status"] == "up" && fields["master_sync_in_progress"] != "1")
    }

    /// Whether a reader has the writer's data; nil where that cannot be said now.
    ///
    /// One that is about to follow another master has the old id until it does.
    func isShared(by reader: ServerReport.Replication) -> Bool? {
        if reader.id == id { return true }
        return reader.isMaster || reader.isFollowing ? false : nil
    }
}

extension RedisError {
    /// Whether the server will say the same to the next who asks: the user may not, or it does not know the command.
    fileprivate var isForGood: Bool {
        guard case .reply(let code, _) = self else { return false }
        return code == "NOPERM" || code == "ERR"
    }
}

extension RedisConnection {
    /// Asks the server a few things; error answers are values.
    func ask(_ commands: some Collection<RedisCommand>) -> EventLoopFuture<[RedisValue]> {
        let answers = commands.map { command in
            send(command) { reply throws(RedisError) in try RedisValue(reply) }
        }
        return EventLoopFuture.whenAllComplete(answers, on: eventLoop).map { answers in
            answers.map { answer in
                switch answer {
                case .success(let value): value
                case .failure(let error): .error(error as? RedisError ?? .unavailable("\(error)"))
                }
            }
        }
    }
}
