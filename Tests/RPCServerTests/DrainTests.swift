import DMSModel
import DMSWire
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
    @Test func `a shutdown answers what is in flight, refuses what is new, and ends`() async throws {
        try await TestMethods.serve { server, methods in
            let (client, idle) = (try await server.client(), try await server.client())
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await server.shutDown()
            // A connection without a call ends first.
            #expect(try await idle.frame() == nil)

            let error = try await client.refusal(Methods.Admin.resume, ResumeRequest(), on: 3)
            #expect(error.statusCode == .unavailable)
            #expect(error.knownReason == .draining)
            #expect(error.retryAfter != nil)
            let health = try await client.call(Methods.Health.check, HealthCheckRequest(), on: 5)
            #expect(health.status == .notServing)
            await #expect(throws: (any Error).self) { try await server.client() }

            methods.answer()
            #expect(try await client.answer().streamID == 1)
            #expect(try await client.frame() == nil)
            await client.close()
            await idle.close()
        }
    }

    @Test func `a client that knows extensions is told to go, with the last stream that is answered`() async throws {
        try await TestMethods.serve { server, methods in
            let (client, plain) = (try await server.client(), try await server.client())
            await client.send(Bytes.frame(.ping, on: 0))
            _ = try await client.frame()
            for each in [client, plain] {
                await each.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 7))
            }
            try await eventually { methods.waitingCount == 2 }
            await server.shutDown()
            let goaway = try #require(try await client.frame())
            #expect(goaway.header.type == .goaway)
            #expect(goaway.header.streamID == 7)
            #expect(RPCError(try RPCStatus.decode(goaway.data)).knownReason == .draining)
            methods.answer()
            // A plain client sees nothing but its answer.
            for each in [client, plain] {
                #expect(try await each.answer().streamID == 7)
                #expect(try await each.frame() == nil)
                await each.close()
            }
        }
    }

    @Test func `a call that does not end is cut off when the drain is over`() async throws {
        try await TestMethods.serve(drain: .milliseconds(50)) { server, methods in
            let client = try await server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await server.shutDown()
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `a connection that its client leaves open is closed soon after its end`() async throws {
        var limits = ConnectionLimits.patient
        limits.lingering = .milliseconds(20)
        try await TestMethods.serve(limits: limits) { server, _ in
            let client = try await server.client()
            try await expectAlive(client, on: 1)
            // The body ends, and the server with it, though the client never closes.
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    /// Runs the body with a path for a socket in a folder of its own.
    private func withSocketPath<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dms-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.appending(path: "rpc.sock").path)
    }

    @Test func `the unix socket serves as TCP does, and its file goes with the server`() async throws {
        try await withSocketPath { path in
            try await TestMethods.serve(socketPath: path) { server, _ in
                #expect(server.addresses.count == 2)
                let client = try await RawClient(SocketAddress(unixDomainSocketPath: path))
                try await expectAlive(client, on: 1)
                await client.close()
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `a socket that a dead process left is taken over`() async throws {
        try await withSocketPath { path in
            let dead = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: path).get()
            let kept = path + ".kept"
            try FileManager.default.moveItem(atPath: path, toPath: kept)
            try await dead.close()
            try FileManager.default.moveItem(atPath: kept, toPath: path)
            try await TestMethods.serve(socketPath: path) { _, _ in
                let client = try await RawClient(SocketAddress(unixDomainSocketPath: path))
                try await expectAlive(client, on: 1)
                await client.close()
            }
        }
    }

    @Test func `a socket that another process listens on is left to it`() async throws {
        try await withSocketPath { path in
            try await TestMethods.serve(socketPath: path) { _, _ in
                await #expect(throws: RPCServerError.socketInUse(path: path)) {
                    try await TestMethods.serve(socketPath: path) { _, _ in }
                }
                let client = try await RawClient(SocketAddress(unixDomainSocketPath: path))
                try await expectAlive(client, on: 1)
                await client.close()
            }
        }
    }

    @Test func `a file that is no socket is left alone`() async throws {
        try await withSocketPath { path in
            try Data("precious".utf8).write(to: URL(filePath: path))
            await #expect(throws: RPCServerError.self) { try await TestMethods.serve(socketPath: path) { _, _ in } }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        }
    }

    @Test func `a port that is taken is an error that names it`() async throws {
        try await TestMethods.serve { server, _ in
            let port = try #require(try server.address.port)
            let group = MultiThreadedEventLoopGroup.singleton
            let second = RPCServer(
                RPCServerConfiguration(port: port), group: group, logger: TestServer.logger
            ) { TestMethods().router(on: $0) }
            let error = try await #require(throws: RPCServerError.self) { try await second.run() }
            #expect("\(error)".contains("127.0.0.1:\(port)"))
        }
    }
}
