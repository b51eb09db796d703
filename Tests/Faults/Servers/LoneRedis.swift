import FaultLedger
import Foundation
import NIOCore
import RedisLink
import TestSupport

/// One Redis, to which each scheduler is led by a proxy of its own.
struct LoneRedis: StoreServers {
    static let arguments = ["--enable-debug-command", "yes", "--auto-aof-rewrite-percentage", "0"]

    private let redis: TestRedis
    private let faults: RedisFaults
    private let linkPorts: [Int]

    init(_ redis: TestRedis, stage: Stage, clock: ClockFile) async throws {
        self.redis = redis
        faults = RedisFaults(redis: redis, stage: stage, clock: clock)
        guard case .one(.unix(let path)) = redis.url.servers else { throw TestFailure("the Redis has no socket") }
        var ports: [Int] = []
        for number in 0..<stage.plan.schedulers {
            let link = FaultProxy()
            link.pointTo(try SocketAddress(unixDomainSocketPath: path))
            link.follow(FaultDealer(.links, stage: stage, name: 1002 + 3 * number))
            ports.append(try await link.start())
        }
        linkPorts = ports
    }

    var master: TestRedis? { redis }

    func arguments(ofScheduler number: Int) -> [String] {
        ["--redis-writer-url", "redis://127.0.0.1:\(linkPorts[number])"]
    }

    func makeFaults() async throws { try await faults.run() }

    func writes() async throws -> AppendOnlyFile {
        var writes = AppendOnlyFile()
        for file in try AppendOnlyReader.increments(of: redis) {
            writes.append(ByteBuffer(bytes: try Data(contentsOf: file)))
        }
        return writes
    }
}
