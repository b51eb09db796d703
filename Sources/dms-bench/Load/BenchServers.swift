import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisLink

/// The servers of a measurement: a Redis without persistence, a scheduler on its unix socket, replicas and a beanstalkd if
/// wanted.
struct BenchServers {
    let redis: BenchServer
    let schedulers: [BenchServer]
    let beanstalkd: BenchServer?
    let ports: Ports
    let client: RedisClient

    /// Where they listen, on 127.0.0.1.
    struct Ports {
        var redis: Int
        /// One for each scheduler.
        var rpc: [Int]
        /// One for each scheduler.
        var http: [Int]
        var beanstalkd: Int

        init(schedulers: Int) throws {
            redis = try BenchServer.freePort()
            rpc = try (0..<schedulers).map { _ in try BenchServer.freePort() }
            http = try (0..<schedulers).map { _ in try BenchServer.freePort() }
            beanstalkd = try BenchServer.freePort()
        }
    }

    /// Runs the body while they run.
    ///
    /// Every replica has to confirm each write before a scheduler answers it.
    static func with(
        schedulers count: Int = 1, schedulerArguments: [String] = [], replicas: Int = 0,
        beanstalkd wantsBeanstalkd: Bool = false, _ body: (BenchServers) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("dms-bench-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ports = try Ports(schedulers: count)
        let url = RedisURL(address: .unix(path: "\(folder)/redis.sock"))
        let client = RedisClient(
            url: url, eventLoops: [MultiThreadedEventLoopGroup.singleton.any()],
            logger: Logger(label: "dms-bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        let redisArguments = [
            "--port", "\(ports.redis)", "--bind", "127.0.0.1", "--unixsocket", "\(folder)/redis.sock", "--dir", folder,
            "--save", "", "--appendonly", "no",
        ]
        // The scheduler lies beside this program.
        let scheduler = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("dms-scheduler").path

        func start(_ running: [BenchServer], _ redis: BenchServer) async throws {
            guard running.count == count else {
                let arguments =
                    [
                        "--redis-writer-url", "\(url)", "--redis-reader-url", "\(url)",
                        "--rpc-port", "\(ports.rpc[running.count])", "--http-port", "\(ports.http[running.count])",
                        "--redis-min-replicas", "\(replicas)",
                    ] + schedulerArguments
                return try await BenchServer.with(scheduler, arguments, folder: folder, log: "scheduler") {
                    try await start(running + [$0], redis)
                }
            }
            func run(_ beanstalkd: BenchServer?) async throws {
                let servers = BenchServers(
                    redis: redis, schedulers: running, beanstalkd: beanstalkd, ports: ports, client: client)
                try await servers.ready()
                try await body(servers)
            }
            guard wantsBeanstalkd else { return try await run(nil) }
            try await BenchServer.with(
                "beanstalkd", ["-l", "127.0.0.1", "-p", "\(ports.beanstalkd)"], folder: folder, log: "beanstalkd", run)
        }
        func startReplicas(_ started: Int, _ redis: BenchServer) async throws {
            guard started < replicas else {
                try await client.ready(within: .seconds(10))
                try await BenchServers.follow(replicas, client)
                return try await start([], redis)
            }
            let port = try BenchServer.freePort()
            let arguments = [
                "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--dbfilename", "\(port).rdb", "--save",
                "", "--appendonly", "no", "--replicaof", "127.0.0.1 \(ports.redis)",
            ]
            try await BenchServer.with("redis-server", arguments, folder: folder, log: "replica-\(port)") { _ in
                try await startReplicas(started + 1, redis)
            }
        }
        try await BenchServer.with(
            "redis-server", redisArguments + ["--repl-diskless-sync-delay", "0"], folder: folder, log: "redis"
        ) { redis in
            client.start()
            try await startReplicas(0, redis)
        }
    }

    /// Waits until that many replicas follow.
    private static func follow(_ replicas: Int, _ client: RedisClient) async throws {
        for _ in 0..<200 {
            let followers = try await client.call("ROLE").array?.last?.array?.count
            if replicas == 0 || followers == replicas { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchFailure("a replica does not follow")
    }

    /// Waits until all of them answer.
    private func ready() async throws {
        try await client.ready(within: .seconds(10))
        for port in ports.rpc + ports.http + (beanstalkd == nil ? [] : [ports.beanstalkd]) {
            try await BenchServers.connectable(port)
        }
        // The scheduler's own links, and what it does at its start.
        try await Task.sleep(for: .seconds(1))
    }

    private static func connectable(_ port: Int) async throws {
        for _ in 0..<100 {
            let attempt = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port)
            if let channel = try? await attempt.get() { return try await channel.close() }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchFailure("a server did not start")
    }

    /// Forgets all tasks.
    func flush() async throws { _ = try await client.call("FLUSHALL") }

    /// The bytes that Redis uses.
    func redisMemory() async throws -> Int { Int(try await information("memory", #/used_memory:(\d+)/#)) }

    /// Begins to count Redis's time anew.
    func resetStatistics() async throws { _ = try await client.call("CONFIG", "RESETSTAT") }

    /// How long Redis was busy with a script call, on average.
    func scriptMicroseconds() async throws -> Double {
        try await information("commandstats", #/cmdstat_evalsha:calls=\d+,usec=\d+,usec_per_call=([\d.]+)/#)
    }

    private func information(_ section: String, _ pattern: Regex<(Substring, Substring)>) async throws -> Double {
        let text = try await client.call("INFO", section).string ?? ""
        guard let match = text.firstMatch(of: pattern), let value = Double(match.1) else {
            throw BenchFailure("Redis does not say it: \(section)")
        }
        return value
    }

    /// Loads a script; its digest.
    func load(_ script: String) async throws -> String {
        guard let digest = try await client.call("SCRIPT", "LOAD", script).string else {
            throw BenchFailure("Redis did not take a script")
        }
        return digest
    }
}
