import Foundation
import Logging
import NIOPosix
public import RedisLink

/// A master, replicas and sentinels that watch them, as processes of one test.
public final class TestSentinels: Sendable {
    /// What the sentinels call the master.
    public static let master = "mymaster"
    /// How long a master may be silent before the sentinels take it for dead.
    public static let downAfterMilliseconds = 500

    /// The first one is the master, until it fails.
    public let servers: [TestRedis]
    private let sentinels: [TestSentinel]
    private let scheme: String

    private init(servers: [TestRedis], sentinels: [TestSentinel], tls: TestCertificates?) {
        self.servers = servers
        self.sentinels = sentinels
        scheme = tls == nil ? "redis" : "rediss"
    }

    /// Runs the body when all know of each other and all replicas follow the master.
    ///
    /// `arguments` are those of the servers, `sentinelLines` lines of the sentinels' configuration. With certificates all of
    /// them speak TLS only, also among themselves.
    public static func with<Value>(
        replicas: Int = 1, sentinels count: Int = 3, arguments: [String] = [], sentinelLines: [String] = [],
        tls: TestCertificates? = nil, _ body: (TestSentinels) async throws -> Value
    ) async throws -> Value {
        try await TestRedis.with(replicas: replicas, arguments: arguments, tls: tls) { servers in
            var sentinels: [TestSentinel] = []
            let value: Value
            do {
                for _ in 0..<count {
                    sentinels.append(
                        try await TestSentinel.start(
                            masterPort: servers[0].port, quorum: count / 2 + 1, lines: sentinelLines, tls: tls))
                }
                let group = TestSentinels(servers: servers, sentinels: sentinels, tls: tls)
                try await group.settle()
                value = try await body(group)
            } catch {
                for sentinel in sentinels { try? await sentinel.end() }
                throw error
            }
            for sentinel in sentinels { try await sentinel.end() }
            return value
        }
    }

    /// The URL of the master, by all sentinels; `tail` is what stands behind its name.
    public func url(_ tail: String = "", credentials: String = "") throws -> RedisURL {
        try RedisURL(text(tail, credentials: credentials))
    }

    /// The same as a text.
    public func text(_ tail: String = "", credentials: String = "") -> String {
        let list = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return "\(scheme)+sentinel://\(credentials)\(list)/\(TestSentinels.master)\(tail)"
    }

    /// The server that the first sentinel names the master.
    public func currentMaster() async throws -> TestRedis? {
        let port = try await sentinels[0].masterPort()
        return servers.first { $0.tcpPort == port }
    }

    /// The server that all sentinels name the master; nil while they do not agree.
    public func agreedMaster() async throws -> TestRedis? {
        var ports: Set<Int> = []
        for sentinel in sentinels { ports.insert(try await sentinel.masterPort()) }
        guard let port = ports.first, ports.count == 1 else { return nil }
        return servers.first { $0.tcpPort == port }
    }

    /// Waits until all sentinels name another master than that one; answers with it.
    public func failover(from old: TestRedis) async throws -> TestRedis {
        var new: TestRedis?
        try await eventually {
            new = try await self.agreedMaster()
            return new != nil && new !== old
        }
        guard let new else { throw TestFailure("the new master is none of the servers") }
        return new
    }

    /// Has the sentinels make another server the master, with the old one alive.
    public func askForFailover() async throws {
        try await sentinels[0].call("SENTINEL", "FAILOVER", TestSentinels.master)
    }

    /// Ends one of the sentinels.
    public func killSentinel(_ index: Int) async throws { try await sentinels[index].kill() }

    /// Tells all sentinels something.
    public func callSentinels(_ words: [String]) async throws {
        for sentinel in sentinels { try await sentinel.call(words) }
    }

    /// Waits until each sentinel knows of all others, and that every other server follows the master and answers.
    public func settle() async throws {
        for sentinel in sentinels {
            try await eventually {
                let master = Self.fields(try await sentinel.call("SENTINEL", "MASTER", TestSentinels.master))
                guard master["flags"] == "master", master["num-slaves"] == "\(self.servers.count - 1)",
                    master["num-other-sentinels"] == "\(self.sentinels.count - 1)"
                else { return false }
                let replicas = try await sentinel.call("SENTINEL", "REPLICAS", TestSentinels.master).array ?? []
                return replicas.map(Self.fields).allSatisfy {
                    $0["flags"] == "slave" && $0["master-link-status"] == "ok"
                }
            }
        }
    }

    /// The names and values that stand in turn in an answer.
    private static func fields(_ answer: RedisValue) -> [String: String] {
        let words = answer.array?.map { $0.string ?? "" } ?? []
        let pairs = stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// One sentinel.
private final class TestSentinel: Sendable {
    let port: Int
    private let folder: String
    private let process: ServerProcess
    private let client: RedisClient

    static func start(
        masterPort: Int, quorum: Int, lines: [String], tls: TestCertificates?
    ) async throws -> TestSentinel {
        let port = try await ServerProcess.freePort()
        let folder = try ServerProcess.makeFolder()
        let name = TestSentinels.master
        let configuration = [
            "bind 127.0.0.1", "dir \(folder)", "sentinel monitor \(name) 127.0.0.1 \(masterPort) \(quorum)",
            "sentinel down-after-milliseconds \(name) \(TestSentinels.downAfterMilliseconds)",
            "sentinel failover-timeout \(name) 4000", "sentinel parallel-syncs \(name) 5",
        ]
        let path = "\(folder)/sentinel.conf"
        let listening = tls == nil ? ["port \(port)"] : ["port 0", "tls-port \(port)"]
        try (listening + configuration + lines).map { $0 + "\n" }.joined()
            .write(toFile: path, atomically: true, encoding: .utf8)
        let password = lines.first { $0.hasPrefix("requirepass ") }?.split(separator: " ").last.map(String.init)
        let sentinel = TestSentinel(port: port, folder: folder, password: password, tls: tls)
        try sentinel.process.start()
        sentinel.client.start()
        try await eventually {
            guard sentinel.process.isRunning else { throw TestFailure("no sentinel: \(sentinel.process.logged)") }
            return (try? await sentinel.client.call("PING")) != nil
        }
        return sentinel
    }

    private init(port: Int, folder: String, password: String?, tls: TestCertificates?) {
        self.port = port
        self.folder = folder
        process = ServerProcess(
            arguments: ["\(folder)/sentinel.conf", "--sentinel"] + (tls?.arguments() ?? []), folder: folder)
        client = RedisClient(
            url: RedisURL(
                servers: .one(.tcp(host: "127.0.0.1", port: port)), password: password,
                tls: tls.map { RedisTLS(caFile: $0.path("ca.pem")) }),
            eventLoops: [MultiThreadedEventLoopGroup.singleton.any()],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @discardableResult
    func call(_ words: [String]) async throws -> RedisValue { try await client.call(words) }

    @discardableResult
    func call(_ words: String...) async throws -> RedisValue { try await call(words) }

    func masterPort() async throws -> Int {
        let address = try await call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", TestSentinels.master)
        return address.array?.last?.integer ?? 0
    }

    func kill() async throws { try await process.kill() }

    func end() async throws {
        client.shutdown()
        try await kill()
        try FileManager.default.removeItem(atPath: folder)
    }
}

extension TestRedis {
    /// Its port; 0 where none was asked for.
    public var port: Int { tcpPort ?? 0 }

    /// Runs the body with a master and servers that follow it, the master first.
    public static func with<Value>(
        replicas: Int, arguments: [String] = [], tls: TestCertificates? = nil,
        _ body: ([TestRedis]) async throws -> Value
    ) async throws -> Value {
        let quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
        return try await with(arguments: quick + arguments, tcp: true, tls: tls) { master in
            try await with(following: master, count: replicas, [master], arguments: quick + arguments, tls: tls) {
                servers in
                try await eventually {
                    let role = try await master.call("ROLE").array
                    return role?.last?.array?.count == replicas
                }
                return try await body(servers)
            }
        }
    }

    private static func with<Value>(
        following master: TestRedis, count: Int, _ servers: [TestRedis], arguments: [String], tls: TestCertificates?,
        _ body: ([TestRedis]) async throws -> Value
    ) async throws -> Value {
        guard count > 0 else { return try await body(servers) }
        let following = arguments + ["--replicaof", "127.0.0.1 \(master.port)"]
        return try await with(arguments: following, tcp: true, tls: tls) { replica in
            try await with(
                following: master, count: count - 1, servers + [replica], arguments: arguments, tls: tls, body)
        }
    }
}
