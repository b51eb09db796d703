import ArgumentParser
import DMSClient
import DMSModel
import Foundation
import NIOCore
import NIOPosix

/// What a connection costs the scheduler, and a queued task Redis.
struct MemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Measure the memory of idle connections, of calls that wait, and of queued tasks.",
        discussion:
            "Starts a redis-server without persistence and a scheduler. Memory of the scheduler is what is resident.")

    @Option(help: "How many connections.")
    var connections = 10_000

    @Option(help: "How many tasks of about 300 bytes.")
    var tasks = 100_000

    func run() async throws {
        DescriptorLimit.raise()
        try await BenchServers.with { servers in
            try await measureConnections(servers)
            try await measureTasks(servers)
        }
    }

    private func measureConnections(_ servers: BenchServers) async throws {
        let scheduler = servers.schedulers[0]
        let observer = DMSClient(address: .tcp(host: "127.0.0.1", port: servers.ports.rpc[0]))
        _ = try await observer.tasks.stats()
        let before = try scheduler.residentBytes()
        var open: [WakeConnection] = []
        for _ in 0..<connections {
            open.append(try await WakeConnection.open(port: servers.ports.rpc[0], .nextWaiting))
        }
        // The server's side of the last one, too.
        _ = try await observer.tasks.stats()
        try await Task.sleep(for: .milliseconds(500))
        let idle = try scheduler.residentBytes()
        print("\(connections) idle connections: \((idle - before) / connections) bytes each in the scheduler")
        for connection in open { _ = try await connection.call(0) }
        try await wait(for: connections, observer)
        let waiting = try scheduler.residentBytes()
        print("the same with a Next that waits: \((waiting - before) / connections) bytes each")
        for connection in open { await connection.close() }
        await observer.close()
    }

    /// Waits until so many calls are parked; gives up once none comes any more.
    private func wait(for connections: Int, _ observer: DMSClient) async throws {
        var (parked, lastGrowth) = (UInt64(0), ContinuousClock.now)
        while parked < connections {
            let now = try await observer.tasks.stats().waitingSubmitters
            if now > parked { (parked, lastGrowth) = (now, .now) }
            guard ContinuousClock.now - lastGrowth < .seconds(10) else {
                throw BenchFailure("only \(parked) of \(connections) calls wait at the scheduler")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func measureTasks(_ servers: BenchServers) async throws {
        let bench = try await LoadBench(servers, scale: 1)
        try await servers.flush()
        let before = try await servers.redisMemory()
        try await bench.fill(tasks, 1)
        let after = try await servers.redisMemory()
        print(
            "\(tasks) queued tasks with records of \(FloorScripts.record.utf8.count) bytes: "
                + "\((after - before) / tasks) bytes each in Redis")
    }
}
