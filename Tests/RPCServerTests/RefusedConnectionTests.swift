import DMSModel
import DMSWire
import Foundation
import Logging
import NIOCore
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

/// What becomes of connections that are too many.
@Suite(.timeLimit(.minutes(1))) struct RefusedConnectionTests {
    private let resume = Methods.Admin.resume

    @Test func `a connection past the limit is told so by the answer to its first call, and closed`() async throws {
        try await TestMethods.serve(connectionsMax: 1) { server, methods in
            let first = try await server.client()
            try await expectAlive(first, on: 1)
            let second = try await server.client()
            // Our own clients ping before anything else.
            await second.send(Bytes.frame(.ping, on: 0))
            #expect(try await second.frame()?.header.type == .pong)
            await second.send(Bytes.request(resume, ResumeRequest(reason: "x"), on: 1))
            let error = try await second.error(on: 1)
            #expect(error.statusCode == .resourceExhausted)
            #expect(error.knownReason == .limitConnections)
            #expect(error.retryAfter == .seconds(1))
            #expect(try await second.frame() == nil)
            #expect(methods.callCount == 1)
            try await expectAlive(first, on: 3)
            await first.close()
        }
    }

    @Test func `past those that are told, connections are closed as they come`() async throws {
        try await TestMethods.serve(connectionsMax: 1, configure: { $0.toldMax = 1 }) { server, _ in
            let first = try await server.client()
            try await expectAlive(first, on: 1)
            let told = try await server.client()
            try await eventually { server.server.gate.refusedConnections == 1 }
            let closed = try await server.client()
            #expect(try await closed.frame() == nil)
            let error = try await told.refusal(resume, ResumeRequest(), on: 1)
            #expect(error.knownReason == .limitConnections)
            #expect(try await told.frame() == nil)
            // There is room to tell another one.
            try await eventually {
                let next = try await server.client()
                await next.send(Bytes.request(resume, ResumeRequest(), on: 1))
                let isTold = try await next.frame() != nil
                await next.close()
                return isTold
            }
            #expect(server.server.gate.refusedConnections >= 3)
            await first.close()
        }
    }

    @Test func `a refused connection that asks for nothing is closed soon, and makes room`() async throws {
        var limits = ConnectionLimits.patient
        limits.tellingTime = .seconds(1)
        try await TestMethods.serve(connectionsMax: 1, limits: limits) { server, _ in
            let first = try await server.client()
            try await expectAlive(first, on: 1)
            let second = try await server.client()
            await second.send(Bytes.frame(.ping, on: 0))
            // The pong, unless the time was over before the ping came.
            while let frame = try await second.frame() { #expect(frame.header.type == .pong) }
            await first.close()
            try await eventually {
                let next = try await server.client()
                await next.send(Bytes.request(resume, ResumeRequest(), on: 1))
                let isServed = (try? await next.answer().envelope.error == nil) == true
                await next.close()
                return isServed
            }
        }
    }

    @Test func `an address has as many connections as it may have, and others are served meanwhile`() async throws {
        try await TestMethods.serve(configure: { $0.connectionsPerAddressMax = 2 }) { server, _ in
            let (first, second) = (try await server.client(), try await server.client())
            try await expectAlive(first, on: 1)
            try await expectAlive(second, on: 1)
            let third = try await server.client()
            let error = try await third.refusal(resume, ResumeRequest(), on: 1)
            #expect(error.knownReason == .limitConnections)
            #expect(error.message.contains("this address"))
            let neighbour = try await RawClient(
                server.address, from: try SocketAddress(ipAddress: "127.0.0.2", port: 0))
            try await expectAlive(neighbour, on: 1)
            await first.close()
            try await eventually {
                let next = try await server.client()
                await next.send(Bytes.request(resume, ResumeRequest(), on: 1))
                let isServed = try await next.answer().envelope.error == nil
                await next.close()
                return isServed
            }
            await second.close()
            await neighbour.close()
        }
    }

    @Test func `those who come by the unix socket are not counted by an address`() async throws {
        let path = "/tmp/dms-test-\(UUID().uuidString.prefix(8)).sock"
        try await TestMethods.serve(socketPath: path, configure: { $0.connectionsPerAddressMax = 1 }) { server, _ in
            let address = try #require(server.addresses.last)
            let (first, second) = (try await RawClient(address), try await RawClient(address))
            try await expectAlive(first, on: 1)
            try await expectAlive(second, on: 1)
            await first.close()
            await second.close()
        }
    }

    @Test func `the log says once a second at most that connections are refused, and how many`() async throws {
        let log = LogRecorder()
        let logger = Logger(label: "test") { _ in log.handler }
        try await TestMethods.serve(connectionsMax: 1, logger: logger, configure: { $0.toldMax = 0 }) { server, _ in
            let first = try await server.client()
            try await expectAlive(first, on: 1)
            let start = ContinuousClock.now
            for _ in 0..<50 {
                let refused = try await server.client()
                #expect(try await refused.frame() == nil)
            }
            let seconds = (ContinuousClock.now - start).components.seconds
            #expect(server.server.gate.refusedConnections == 50)
            let lines = log.loud.filter { $0.message.contains("Connections are refused") }
            #expect(!lines.isEmpty)
            #expect(lines.count <= Int(seconds) + 1)
            #expect(lines.first?.metadata.contains("127.0.0.1") == true)
            await first.close()
        }
    }
}
