public import RedisLink

/// What the service layer is told at its start.
public struct SchedulerConfiguration: Sendable {
    /// Where state is written.
    public var writer: RedisURL
    /// Where it is read, if elsewhere; nil: at the writer.
    public var reader: RedisURL?
    /// Time-outs and back-off of the connections to Redis.
    public var redis: RedisOptions
    /// What every key starts with; with a hash tag (`{dms}`) all keys fall into one slot of a Redis Cluster.
    public var keyPrefix: String
    /// Opens the admin operations and the priorities `mid` and `high`; nil closes them to everybody.
    public var operatorToken: String?
    /// Where set, fetching tasks needs it (or the operator token).
    public var submitterToken: String?
    /// How many tasks may be queued at a time, over all priorities; a submission past it is refused.
    ///
    /// 0: any number.
    public var queuedMax: Int

    var clock = SystemClock()

    /// Takes empty tokens for none.
    public init(
        writer: RedisURL, reader: RedisURL? = nil, redis: RedisOptions = RedisOptions(), keyPrefix: String = "dms",
        operatorToken: String? = nil, submitterToken: String? = nil, queuedMax: Int = 0
    ) {
        self.writer = writer
        self.reader = reader == writer ? nil : reader
        self.redis = redis
        self.keyPrefix = keyPrefix
        self.operatorToken = operatorToken.flatMap { $0.isEmpty ? nil : $0 }
        self.submitterToken = submitterToken.flatMap { $0.isEmpty ? nil : $0 }
        self.queuedMax = queuedMax
    }
}
