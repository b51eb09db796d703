/// What may go wrong; each kind is made by the driver of its group and counted.
///
/// A kind of a new group is a case here and a driver beside ``RedisFaults``.
enum FaultKind: String, Sendable, CaseIterable {
    case schedulerKill = "scheduler-kill"
    case schedulerStop = "scheduler-stop"
    case schedulerFreeze = "scheduler-freeze"
    case schedulerClock = "scheduler-clock"

    case redisKill = "redis-kill"
    case redisFreeze = "redis-freeze"
    case redisFreezeLong = "redis-freeze-long"
    case redisSleep = "redis-sleep"
    case redisPause = "redis-pause"
    case redisMemory = "redis-memory"
    case redisDisk = "redis-disk"
    case redisClock = "redis-clock"

    case scriptFlush = "script-flush"
    case clientKill = "client-kill"

    case clientCut = "client-cut"
    case clientHalfClose = "client-half-close"
    case clientDelay = "client-delay"
    case clientSilence = "client-silence"

    case linkCut = "link-cut"
    case linkHalfClose = "link-half-close"
    case linkDelay = "link-delay"
    case linkSilence = "link-silence"
    case linkMute = "link-mute"

    case sentinelMasterKill = "sentinel-master-kill"
    case sentinelMasterFreeze = "sentinel-master-freeze"
    case sentinelFailover = "sentinel-failover"
    case replicaKill = "replica-kill"
    case replicaFreeze = "replica-freeze"
    case replicaCut = "replica-cut"

    /// Who makes it.
    enum Group: Sendable {
        /// One process of a scheduler.
        case scheduler
        /// The Redis; one such fault at a time.
        case redis
        /// What Redis is told in passing.
        case passing
        /// The connections of the clients.
        case clients
        /// The connections of the schedulers to Redis.
        case links
        /// The servers that sentinels run; one such fault at a time.
        case sentinel
    }

    var group: Group {
        switch self {
        case .schedulerKill, .schedulerStop, .schedulerFreeze, .schedulerClock: .scheduler
        case .redisKill, .redisFreeze, .redisFreezeLong, .redisSleep, .redisPause, .redisMemory, .redisDisk,
            .redisClock:
            .redis
        case .scriptFlush, .clientKill: .passing
        case .clientCut, .clientHalfClose, .clientDelay, .clientSilence: .clients
        case .linkCut, .linkHalfClose, .linkDelay, .linkSilence, .linkMute: .links
        case .sentinelMasterKill, .sentinelMasterFreeze, .sentinelFailover, .replicaKill, .replicaFreeze, .replicaCut:
            .sentinel
        }
    }

    /// Whether it can be made where sentinels run the servers, or where there is one Redis.
    func isPossible(behindSentinels: Bool) -> Bool {
        switch group {
        case .scheduler, .passing, .clients: true
        case .redis, .links: !behindSentinels
        case .sentinel: behindSentinels
        }
    }

    /// Whether a scheduler may lose the answer to what Redis did.
    var costsAnswersOfRedis: Bool {
        switch self {
        case .redisKill, .redisFreezeLong, .redisDisk, .clientKill, .linkCut, .linkHalfClose, .linkSilence, .linkMute:
            true
        case .sentinelMasterKill, .sentinelMasterFreeze, .sentinelFailover: true
        default: false
        }
    }

    /// What the command line names: `all`, `none`, or kinds with commas between them.
    static func list(_ text: String) -> Set<FaultKind>? {
        if text == "all" { return Set(allCases) }
        if text == "none" { return [] }
        var kinds: Set<FaultKind> = []
        for name in text.split(separator: ",") {
            guard let kind = FaultKind(rawValue: String(name)) else { return nil }
            kinds.insert(kind)
        }
        return kinds
    }
}
