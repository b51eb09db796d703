import NIOCore
import NIOPosix

/// Makes the calls of one measurement after another, all from one event loop.
struct LoadDriver {
    /// What came of a measurement.
    struct Figures {
        var callsPerSecond = 0.0
        /// In microseconds.
        var p50 = 0.0
        var p99 = 0.0
        /// Of the servers that took part, in seconds for 100 000 calls.
        var processorTime = 0.0
    }

    /// The loop of all clients.
    static let loop = MultiThreadedEventLoopGroup.singleton.next()

    private var loop: any EventLoop { LoadDriver.loop }

    /// Makes `calls` calls, about or for `tasks` tasks from `first` on.
    func measure<Wire: LoadProtocol & Sendable>(
        _ point: LoadPoint, port: Int, servers: [BenchServer], calls: Int, first: Int, tasks: Int? = nil,
        takesTasks: Bool, _ wire: Wire
    ) async throws -> Figures {
        let run = try await loop.submit { [loop] in
            NIOLoopBound(
                LoadRun(
                    total: calls, first: first, taskCount: tasks ?? calls, takesTasks: takesTasks, on: loop),
                eventLoop: loop)
        }.get()
        var channels: [any Channel] = []
        for _ in 0..<point.connections {
            let bootstrap = ClientBootstrap(group: loop)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LoadHandler(wire, depth: point.depth, run.value))
                    }
                }
            channels.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get())
        }
        let before = try servers.map { try $0.processorTime() }.reduce(0, +)
        let (start, connections) = (ContinuousClock.now, channels)
        try await loop.flatSubmit {
            for channel in connections {
                do {
                    let handler = try channel.pipeline.syncOperations.handler(type: LoadHandler<Wire>.self)
                    handler.start(try channel.pipeline.syncOperations.context(handler: handler))
                } catch {
                    run.value.fail(error)
                }
            }
            return run.value.done.futureResult
        }.get()
        let time = ContinuousClock.now - start
        let after = try servers.map { try $0.processorTime() }.reduce(0, +)
        for channel in channels { try? await channel.close() }
        return try await loop.submit {
            let latencies = run.value.latencies
            return Figures(
                callsPerSecond: Double(calls) / (time / .seconds(1)), p50: latencies.percentile(50),
                p99: latencies.percentile(99), processorTime: (after - before) / Double(calls) * 100_000)
        }.get()
    }
}
