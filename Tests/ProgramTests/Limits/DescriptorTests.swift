import DMSClient
import DMSModel
import DMSWire
import Foundation
import NIOCore
import TestSupport
import Testing

/// What becomes of a scheduler that may open no more files.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DescriptorTests {
    @Test func `a scheduler with few descriptors takes fewer connections, says so, and keeps some for its Redis`()
        async throws
    {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let scheduler = try await SchedulerProcess.start(
                    ["--redis-writer-url", "\(redis.url)", "--event-loops", "2"], folder: folder, descriptorsMax: 256)
                #expect(scheduler.program.errors.contains("Fewer connections are taken than are set"))
                let connection = try await scheduler.connect()
                #expect(try await connection.call("GET", "/readyz").status == 200)
                let client = scheduler.client()
                _ = try await client.tasks.overview()

                var flood =
                    try await Peer.connect(scheduler.rpcPort, count: 300)
                    + Peer.connect(scheduler.httpPort, count: 300)
                // It is as full as it gets.
                try await eventually { scheduler.program.errors.contains("Connections are refused") }
                // Some are told, the others closed.
                try await eventually { (try? await scheduler.http("GET", "/healthz").status) == 429 }
                #expect(try scheduler.openFiles() <= 256)
                #expect(try await connection.call("GET", "/readyz").status == 200)
                _ = try await client.tasks.overview()

                try await redis.restart()
                try await eventually { try await connection.call("GET", "/readyz").status == 200 }
                try await eventually { (try? await client.tasks.overview()) != nil }
                #expect(!scheduler.program.errors.contains("could not be accepted"))

                #expect(flood.count == 600)
                flood = []
                try await eventually { (try? await scheduler.expectServing()) != nil }
                await client.close()
                try await connection.close()
                #expect(try await scheduler.terminate() == 0)
            }
        }
    }

    @Test func `a scheduler that has too few descriptors to serve anybody does not start, and says why`() async throws {
        try await withFolder { folder in
            let program = try Program(
                "dms-scheduler", ["--http-port", "0", "--rpc-port", "0", "--event-loops", "2"], folder: folder,
                descriptorsMax: 80)
            #expect(try await program.exitCode() == 69)
            #expect(program.errors.contains("At most 80 files may be open (ulimit -n), and 84 are needed at least."))
        }
    }

    @Test func `with no descriptor left both doors serve those whom they have, and others once there are some again`()
        async throws
    {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let scheduler = try await SchedulerProcess.start(
                    ["--redis-writer-url", "\(redis.url)"], folder: folder)
                let connection = try await scheduler.connect()
                #expect(try await connection.call("GET", "/readyz").status == 200)
                let client = scheduler.client()
                _ = try await client.tasks.overview()

                // Less than it has counted on: from here on no accept succeeds.
                let files = try scheduler.openFiles()
                let limited = try await Program.shell(
                    "prlimit --pid \(scheduler.program.processIdentifier) --nofile=\(files):20000", folder: folder)
                #expect(limited == 0)
                var waiting =
                    try await Peer.connect(scheduler.rpcPort, count: 20)
                    + Peer.connect(scheduler.httpPort, count: 20)
                try await eventually {
                    scheduler.program.errors.split(separator: "\n")
                        .filter { $0.contains("A connection could not be accepted") }.count >= 2
                }
                for _ in 0..<20 {
                    #expect(try await connection.call("GET", "/readyz").status == 200)
                    _ = try await client.tasks.overview()
                }

                // Those who wait are served when there is room.
                let raised = try await Program.shell(
                    "prlimit --pid \(scheduler.program.processIdentifier) --nofile=20000:20000", folder: folder)
                #expect(raised == 0)
                try await eventually { (try? await scheduler.expectServing()) != nil }
                #expect(try await connection.call("GET", "/readyz").status == 200)
                #expect(waiting.count == 40)
                waiting = []
                await client.close()
                try await connection.close()
                #expect(try await scheduler.terminate() == 0)
            }
        }
    }
}
