import DMSClient
import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

/// What hostile clients cost the program in memory, and that others are served meanwhile.
///
/// The bounds are generous, and of a build without optimisation: they tell a bound from none.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MemoryTests {
    private func with(
        _ arguments: [String] = [], _ body: (SchedulerProcess) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(arguments, folder: folder)
            try await scheduler.expectServing()
            try await body(scheduler)
            #expect(try await scheduler.terminate() == 0)
        }
    }

    @Test func `a thousand connections at each door that drip take little, and are closed in time`() async throws {
        try await with(["--first-request-seconds", "5"]) { scheduler in
            let growth = try await scheduler.growth {
                let binary = try await Peer.connect(scheduler.rpcPort, count: 1000)
                let rest = try await Peer.connect(scheduler.httpPort, count: 1000)
                for peer in binary { peer.send(HostileBytes.halfFrame) }
                for peer in rest { peer.send(ByteBuffer(string: "GET /healthz HTTP/1.1\r\n")) }
                var isServing = false
                try await eventually {
                    for peer in binary { peer.send(ByteBuffer(bytes: [0])) }
                    for peer in rest { peer.send(ByteBuffer(string: "x-y: z\r\n")) }
                    if !isServing { isServing = (try? await scheduler.expectServing()) != nil }
                    return isServing && (binary + rest).allSatisfy(\.isClosed)
                }
            }
            print("2000 connections that drip: \(growth >> 20) MiB")
            #expect(growth < 200 << 20)
            try await scheduler.expectServing()
        }
    }

    @Test func `clients that ask on and on, and read nothing, take little and are cut off`() async throws {
        try await with(["--unread-seconds", "2"]) { scheduler in
            let client = scheduler.client()
            let parameters = #"{"x":""# + String(repeating: "x", count: 900_000) + #""}"#
            for number in 0..<3 {
                _ = try await client.tasks.enqueue(
                    TaskSubmission(
                        taskID: TaskID("t\(number)"), service: "copy", userID: "ada",
                        parameters: ByteBuffer(string: parameters)))
            }
            let growth = try await scheduler.growth {
                let (binary, rest) = (try Peer(scheduler.rpcPort), try Peer(scheduler.httpPort))
                var (calls, requests) = (ByteBuffer(), ByteBuffer())
                for number in 0..<2000 {
                    calls.writeImmutableBuffer(
                        HostileBytes.call(
                            Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t0")), on: UInt32(2 * number + 1)))
                    requests.writeImmutableBuffer(HTTPConnection.request("GET", "/tasks"))
                }
                try await binary.flood(calls, reads: false)
                try await rest.flood(requests, reads: false)
                try await scheduler.expectServing()
                try await eventually { binary.isClosed && rest.isClosed }
            }
            print("two clients that read nothing: \(growth >> 20) MiB")
            #expect(growth < 150 << 20)
            try await scheduler.expectServing()
            await client.close()
        }
    }

    @Test func `clients that ask for pages and read nothing take up one page each, which is given back`()
        async throws
    {
        try await with { scheduler in
            let client = scheduler.client()
            let parameters = #"{"x":""# + String(repeating: "x", count: 1_000_000) + #""}"#
            for number in 0..<20 {
                _ = try await client.tasks.enqueue(
                    TaskSubmission(
                        taskID: TaskID("t\(number)"), service: "copy", userID: "ada",
                        parameters: ByteBuffer(string: parameters)))
            }
            let before = try scheduler.residentBytes()
            let growth = try await scheduler.growth {
                var peers: [Peer] = []
                for number in 0..<12 {
                    let isBinary = number % 2 == 0
                    let peer = try Peer(isBinary ? scheduler.rpcPort : scheduler.httpPort)
                    for call: UInt32 in 0..<16 {
                        peer.send(
                            isBinary
                                ? HostileBytes.call(Methods.Tasks.list, TaskQuery(pageSize: 1000), on: 2 * call + 1)
                                : HTTPConnection.request("GET", "/tasks?limit=1000"))
                    }
                    peers.append(peer)
                }
                // Each has a page here that its kernel does not take. A build without optimisation takes seconds to read one.
                try await eventually(within: .seconds(200)) {
                    let page = try MetricsText(try await scheduler.http("GET", "/metrics").text)
                    return page["dms_answer_memory_bytes"] ?? 0 >= 12 * 2_900_000
                }
                // Others are served, and do not stand behind all that was asked for.
                try await scheduler.expectServing()
                #expect(try await client.tasks.list(TaskQuery(pageSize: 3)).tasks.count == 3)
                withExtendedLifetime(peers) {}
            }
            print("12 clients that do not read their pages: \(growth >> 20) MiB")
            #expect(growth < 200 << 20)
            try await eventually(within: .seconds(60)) { try scheduler.residentBytes() < before + 80 << 20 }
            await client.close()
        }
    }

    @Test(arguments: [true, false])
    func `floods of pings and of tiny bad frames take little, whether their answers are read or not`(
        reads: Bool
    ) async throws {
        try await with(["--unread-seconds", "2"]) { scheduler in
            let growth = try await scheduler.growth {
                let (pings, badFrames) = (try Peer(scheduler.rpcPort), try Peer(scheduler.rpcPort))
                let ping = HostileBytes.ping()
                // The kernel holds some megabytes for who does not read.
                for number in 0..<(reads ? 50 : 500) {
                    var (some, others) = (ByteBuffer(), ByteBuffer())
                    for index in 0..<1000 {
                        some.writeImmutableBuffer(ping)
                        others.writeImmutableBuffer(
                            HostileBytes.badFrame(on: UInt32(2 * (1000 * number + index) + 1)))
                    }
                    try await pings.flood(some, reads: reads)
                    try await badFrames.flood(others, reads: reads)
                    if !reads, pings.isClosed, badFrames.isClosed { break }
                }
                try await scheduler.expectServing()
                if !reads { try await eventually { pings.isClosed && badFrames.isClosed } }
            }
            print("floods, \(reads ? "read" : "not read"): \(growth >> 20) MiB")
            #expect(growth < 100 << 20)
            try await scheduler.expectServing()
        }
    }

    @Test func `ten thousand connections that wait for nothing are held in little`() async throws {
        // Connecting so many takes a busy machine a while.
        try await with(["--first-request-seconds", "60"]) { scheduler in
            let growth = try await scheduler.growth {
                let peers = try await Peer.connect(scheduler.rpcPort, count: 10_000)
                for peer in peers { peer.send(HostileBytes.ping()) }
                try await eventually { try scheduler.openFiles() > 10_000 }
                try await scheduler.expectServing()
                #expect(peers.allSatisfy { !$0.isClosed })
            }
            print("10000 idle connections: \(growth >> 20) MiB")
            #expect(growth < 400 << 20)
            try await eventually { try scheduler.openFiles() < 1000 }
            try await scheduler.expectServing()
        }
    }
}
