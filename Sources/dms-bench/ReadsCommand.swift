import ArgumentParser
import DMSClient
import DMSModel
import DMSWire
import NIOCore
import NIOPosix

/// What a flood of reads costs those who write.
struct ReadsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads",
        abstract: "Measure submission and dispatch while many connections read pages or large tasks.",
        discussion: """
            Starts a redis-server without persistence and a scheduler. One client submits a task and takes one, over and \
            over: first alone, then beside connections that ask for pages, or for single tasks, on and on.
            """)

    @Option(help: "Connections that read.")
    var connections = 50

    @Option(help: "Calls that each of them has in flight.")
    var depth = 8

    @Option(help: "Tasks that there are to read.")
    var tasks = 1000

    @Option(help: "Bytes of each task's parameters.")
    var bytes = 3000

    @Flag(help: "Ask for single tasks, not for pages of up to 1000.")
    var single = false

    @Flag(help: "Take none of the answers.")
    var unread = false

    @Option(help: "Seconds of each measurement.")
    var seconds = 10.0

    func run() async throws {
        try await BenchServers.with { servers in
            let port = servers.ports.rpc[0]
            try await fill(port)
            let writers = [
                ("enqueue", try await WakeConnection.open(port: port, .enqueue)),
                ("next", try await WakeConnection.open(port: port, .next)),
            ]
            try await measure("alone", writers, servers)
            let readers = try await connect(port)
            try await measure("beside reads", writers, servers)
            var answers = 0
            for reader in readers {
                answers += try await reader.eventLoop.submit {
                    try reader.pipeline.syncOperations.handler(type: ReadingHandler.self).answers
                }.get()
                try? await reader.close()
            }
            print("\(answers) reads were answered meanwhile")
        }
    }

    /// Tasks that can be read, and are in no queue.
    private func fill(_ port: Int) async throws {
        let client = DMSClient(address: .tcp(host: "127.0.0.1", port: port))
        let parameters = ByteBuffer(string: #"{"x":""# + String(repeating: "x", count: bytes) + #""}"#)
        for number in 0..<tasks {
            _ = try await client.tasks.enqueue(
                TaskSubmission(taskID: TaskID("r-\(number)"), service: "copy", userID: "bench", parameters: parameters))
            _ = try await client.submitter.next()
        }
        await client.close()
    }

    private func connect(_ port: Int) async throws -> [any Channel] {
        var channels: [any Channel] = []
        for number in 0..<connections {
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: !unread)
                .channelInitializer { [depth, tasks, single] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ReadingHandler(depth: depth, tasks: single ? tasks : nil, first: number))
                    }
                }
            channels.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get())
        }
        return channels
    }

    private func measure(
        _ name: String, _ writers: [(String, WakeConnection)], _ servers: BenchServers
    ) async throws {
        var latencies = [Latencies(), Latencies()]
        let end = ContinuousClock.now + .seconds(seconds)
        var number = name.utf8.count * 100_000_000
        while ContinuousClock.now < end {
            number += 1
            for (index, writer) in writers.enumerated() {
                let call = try await writer.1.call(number)
                latencies[index].add(nanoseconds: UInt64((try await call.get() - call.start).nanoseconds))
            }
        }
        for (index, writer) in writers.enumerated() {
            let values = [50.0, 99, 100].map { latencies[index].percentile($0) / 1000 }
            print("\(name): \(writer.0) p50 \(values[0]) ms, p99 \(values[1]) ms, longest \(values[2]) ms")
        }
        let scheduler = try servers.schedulers[0].residentBytes() >> 20
        print("\(name): scheduler \(scheduler) MiB, Redis \(try await servers.redisMemory() >> 20) MiB")
    }
}

/// A connection that reads on and on.
private final class ReadingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let depth: Int
    /// How many tasks to ask for in turns; nil: pages are asked for.
    private let tasks: Int?
    private var number: Int
    private var streamID: UInt32 = 1
    private var decoder = FrameDecoder()
    private(set) var answers = 0

    init(depth: Int, tasks: Int?, first: Int) {
        self.depth = depth
        self.tasks = tasks
        number = first
    }

    func channelActive(context: ChannelHandlerContext) { call(depth, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        var count = 0
        while case .frame? = try? decoder.next() { count += 1 }
        answers += count
        call(count, context)
    }

    private func call(_ count: Int, _ context: ChannelHandlerContext) {
        guard count > 0 else { return }
        var output = ByteBuffer()
        for _ in 0..<count {
            if let tasks {
                let request = GetTaskRequest(taskID: TaskID("r-\(number % tasks)"))
                number += 1
                write(Methods.Tasks.get, request, into: &output)
            } else {
                write(Methods.Tasks.list, TaskQuery(pageSize: 1000), into: &output)
            }
        }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    private func write<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, _ request: Request, into output: inout ByteBuffer
    ) {
        let envelope = RequestEnvelope(service: method.service, method: method.name, payload: request.encoded())
        _ = FrameEncoder.write(.request, streamID: streamID, message: envelope, into: &output)
        streamID += 2
    }
}
