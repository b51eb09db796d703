public import RedisLink

/// What the service layer is told at its start.
public struct SchedulerConfiguration: Sendable {
    /// Where state is written.
    public var writer: RedisURL
    /// Where it is read, if elsewhere; nil: at the writer.
    public var reader: RedisURL?
    /// Time-outs and back-off of the connections to Redis, and how many replicas have to confirm a write.
    public var redis: RedisOptions
    /// What every key starts with; with a hash tag (`{dms}`) all keys fall into one slot of a Redis Cluster.
    public var keyPrefix: String
    /// What callers must show; ``SchedulerPool/replaceTokens(_:)`` changes it later.
    public var tokens: Tokens
    /// How many tasks may be queued at a time, over all priorities; a submission past it is refused.
    ///
    /// 0: any number.
    public var queuedMax: Int
    /// What is done while Redis may evict tasks.
    public var evictionResponse: EvictionResponse

    /// How often the servers are asked whether they keep what they are given.
    var healthInterval = Duration.seconds(10)
    var clock = SystemClock()

    /// The prefix of another scheduler for whose tasks or answers keys under this one could be taken; nil: there is none.
    public static func keyPrefix(inConflictWith prefix: String) -> String? { StoreKeys.prefix(inConflictWith: prefix) }

    /// Writes, and messages of tasks that came, are with the master; in a cluster with the one that holds our keys.
    var writerPlacement: RedisPlacement { RedisPlacement(role: .master, key: keyPrefix) }
    /// Reads go where their URL says.
    var readerPlacement: RedisPlacement { RedisPlacement(role: reader == nil ? .master : nil, key: keyPrefix) }
    /// What only reads waits for no replica.
    var readerOptions: RedisOptions {
        var options = redis
        options.minReplicas = 0
        return options
    }

    /// By default without a reader of its own and without tokens.
    public init(
        writer: RedisURL, reader: RedisURL? = nil, redis: RedisOptions = RedisOptions(), keyPrefix: String = "dms",
        tokens: Tokens = Tokens(), queuedMax: Int = 0, evictionResponse: EvictionResponse = .refuse
    ) {
        self.writer = writer
        self.reader = reader == writer ? nil : reader
        self.redis = redis
        self.keyPrefix = keyPrefix
        self.tokens = tokens
        self.queuedMax = queuedMax
        self.evictionResponse = evictionResponse
    }
}

/// What is done while Redis may evict tasks that were acknowledged.
public enum EvictionResponse: String, Sendable, CaseIterable {
    /// No task is taken, and the scheduler is not ready.
    case refuse
    /// The log and the metrics say so.
    case warn
}
