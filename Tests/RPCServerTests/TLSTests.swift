import DMSModel
import DMSWire
import Foundation
import NIOCore
import NIOSSL
import ServerTLS
import TestSupport
import Testing

@testable import RPCServer

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private func with(
        clientCA: String? = nil, socketPath: String? = nil, handshakeTime: Duration = .seconds(10),
        _ body: (TestServer, TestCertificates, TestMethods) async throws -> Void
    ) async throws {
        try await TestCertificates.with { certificates in
            let files = TLSFiles(
                certificate: certificates.path("server.pem"), key: certificates.path("server.key"),
                clientCA: clientCA.map { certificates.path($0) })
            let tls = try ServerTLS(files, handshakeTime: handshakeTime, logger: TestServer.logger)
            try await TestMethods.serve(socketPath: socketPath, tls: tls) { try await body($0, certificates, $1) }
        }
    }

    private func expectServed(_ server: TestServer, _ context: NIOSSLContext) async throws {
        let client = try await RawClient(server.address, tls: context)
        try await expectAlive(client, on: 1)
        await client.close()
    }

    /// Whether the server ends a connection without an answer.
    private func expectRefused(_ server: TestServer, _ context: NIOSSLContext?) async throws {
        let client = try await RawClient(server.address, tls: context)
        await client.send(Bytes.request(Methods.Admin.resume, ResumeRequest(), on: 1))
        #expect(try await client.frame() == nil)
    }

    @Test func `calls inside TLS are answered, a large one too`() async throws {
        try await with { server, certificates, _ in
            let client = try await RawClient(server.address, tls: try certificates.clientContext())
            let reason = String(repeating: "x", count: 1 << 20)
            for streamID in [UInt32(1), 3, 5] {
                let state = try await client.call(Methods.Admin.resume, ResumeRequest(reason: reason), on: streamID)
                #expect(state.reason == reason)
            }
            await client.close()
        }
    }

    @Test func `a client that sends no more has its answers still, then the connection ends`() async throws {
        try await with { server, certificates, methods in
            let client = try await RawClient(server.address, tls: try certificates.clientContext())
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            try await client.finishSending()
            methods.answer()
            #expect(try await client.answer().streamID == 1)
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `a plain client, a stranger and one without an end cost nobody else anything`() async throws {
        try await with(clientCA: "root.pem", handshakeTime: .milliseconds(1500)) { server, certificates, _ in
            let context = try certificates.clientContext(certificate: "client")
            let silent = try await server.client()
            try await expectRefused(server, nil)
            try await expectRefused(server, try certificates.clientContext())
            try await expectRefused(server, try certificates.clientContext(certificate: "other"))
            try await expectRefused(server, try certificates.clientContext(trusting: "stranger", certificate: "client"))
            try await expectServed(server, context)
            #expect(try await silent.frame() == nil)
            try await expectServed(server, context)
        }
    }

    @Test func `a TLS client at a plain port is refused, and nobody else notices`() async throws {
        try await TestCertificates.with { certificates in
            try await TestMethods.serve { server, _ in
                try await expectRefused(server, try certificates.clientContext())
                let client = try await server.client()
                try await expectAlive(client, on: 1)
                await client.close()
            }
        }
    }

    @Test func `the unix socket stays plain`() async throws {
        let path = "/tmp/dms-tls-\(UUID().uuidString.prefix(8)).sock"
        try await with(socketPath: path) { server, certificates, _ in
            let client = try await RawClient(try SocketAddress(unixDomainSocketPath: path))
            try await expectAlive(client, on: 1)
            await client.close()
            try await expectServed(server, try certificates.clientContext())
        }
    }

    @Test func `a shutdown answers what is in flight inside TLS, and ends idle and unfinished connections`()
        async throws
    {
        try await with { server, certificates, methods in
            let context = try certificates.clientContext()
            let unfinished = try await server.client()
            let idle = try await RawClient(server.address, tls: context)
            try await expectAlive(idle, on: 1)
            let busy = try await RawClient(server.address, tls: context)
            await busy.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1))
            try await eventually { methods.waitingCount == 1 }
            await server.shutDown()
            #expect(try await idle.frame() == nil)
            methods.answer()
            #expect(try await busy.answer().streamID == 1)
            #expect(try await busy.frame() == nil)
            #expect(try await unfinished.frame() == nil)
        }
    }
}
