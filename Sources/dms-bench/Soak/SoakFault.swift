import Glibc

/// What goes wrong every few seconds.
enum SoakFault: String, CaseIterable, Sendable, Codable {
    /// The second scheduler is killed, and started again.
    case killScheduler = "scheduler killed"
    /// Redis closes every connection.
    case dropConnections = "connections dropped"
    /// Redis forgets all scripts.
    case forgetScripts = "scripts forgotten"
    /// Redis stands still for 300 ms.
    case stopRedis = "Redis stopped"

    private static let stopTime = Duration.milliseconds(300)

    func inject(_ servers: SoakServers) async {
        switch self {
        case .killScheduler: servers.second.kill()
        case .dropConnections: _ = try? await servers.redisCall("CLIENT", "KILL", "TYPE", "normal")
        case .forgetScripts: _ = try? await servers.redisCall("SCRIPT", "FLUSH")
        case .stopRedis:
            servers.redis.signal(SIGSTOP)
            try? await Task.sleep(for: SoakFault.stopTime)
            servers.redis.signal(SIGCONT)
        }
    }
}
