internal import NIOCore

/// Finds the server that a link is to be connected to, each time that it connects.
final class RedisLocator {
    /// Nodes of a cluster that are asked at once.
    private static let nodesAskedMax = 5

    private let url: RedisURL
    private let role: RedisRole
    private let key: String
    private let dialer: RedisDialer
    /// Nodes of the cluster that the last answers named.
    private var nodes: [RedisURL.Address] = []

    init(url: RedisURL, placement: RedisPlacement, dialer: RedisDialer) {
        self.url = url
        role = placement.role ?? url.role ?? .master
        key = placement.key
        self.dialer = dialer
    }

    /// Where it is now; fails with a ``RedisError`` where nobody knows.
    func locate() -> EventLoopFuture<RedisURL.Address> {
        switch url.servers {
        case .one(let address): dialer.eventLoop.makeSucceededFuture(address)
        case .sentinel(let sentinels): locate(by: sentinels)
        case .cluster(let seeds): locate(among: seeds)
        }
    }

    private func locate(by sentinels: RedisSentinels) -> EventLoopFuture<RedisURL.Address> {
        let role = role
        let commands = SentinelAnswer.commands(master: sentinels.master, withReplicas: role == .replica)
        return ServerSurvey.ask(
            sentinels.addresses, user: sentinels.user, password: sentinels.password, commands: commands, by: dialer
        ).assumeIsolated().flatMapThrowing { answers in
            guard let latest = SentinelAnswer.latest(answers.map { SentinelAnswer($0.values) }),
                let master = latest.master
            else {
                if let error = answers.lazy.compactMap({ $0.values.first?.error }).first {
                    throw RedisError.unavailable("the sentinels answered: \(error.sentence)")
                }
                throw RedisError.unavailable("no sentinel knows a master '\(sentinels.master)'")
            }
            return role == .replica ? latest.replicas.randomElement() ?? master : master
        }.nonisolated()
    }

    private func locate(among seeds: [RedisURL.Address]) -> EventLoopFuture<RedisURL.Address> {
        let (role, slot) = (role, ClusterSlot.of(key))
        let others = Set(nodes).subtracting(seeds).shuffled()
        let asked = seeds.shuffled().prefix(RedisLocator.nodesAskedMax - min(2, others.count)) + others
        return ServerSurvey.ask(
            Array(asked.prefix(RedisLocator.nodesAskedMax)), user: url.user, password: url.password,
            commands: [ClusterMap.command], by: dialer
        ).assumeIsolated().flatMapThrowing { answers in
            let maps = answers.compactMap { answer in
                answer.values.first.flatMap { ClusterMap($0, slot: slot, askedAt: answer.address) }
            }
            guard let map = ClusterMap.agreed(maps), let master = map.master else {
                if let error = answers.lazy.compactMap({ $0.values.first?.error }).first {
                    throw RedisError.unavailable("the cluster answered: \(error.sentence)")
                }
                throw RedisError.unavailable("no node of the cluster holds the slot \(slot)")
            }
            self.nodes = map.nodes
            return role == .replica ? map.replicas.randomElement() ?? master : master
        }.nonisolated()
    }
}
