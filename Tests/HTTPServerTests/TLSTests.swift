import HTTPServer
import Logging
import NIOCore
import ServerTLS
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private func with(
        clientCA: String? = nil, handshakeTime: Duration = .seconds(10), log: LogRecorder = LogRecorder(),
        _ body: (ServerHarness, TestCertificates, ServerTLS) async throws -> Void
    ) async throws {
        try await TestCertificates.with { certificates in
            let files = TLSFiles(
                certificate: certificates.path("server.pem"), key: certificates.path("server.key"),
                clientCA: clientCA.map { certificates.path($0) })
            let tls = try ServerTLS(
                files, handshakeTime: handshakeTime, logger: Logger(label: "test") { _ in log.handler })
            var configuration = RESTServer.Configuration()
            configuration.tls = tls
            try await withServer(configuration) { try await body($0, certificates, tls) }
        }
    }

    /// The status of an answer over TLS.
    private func status(
        _ server: ServerHarness, _ certificates: TestCertificates, trusting root: String = "root",
        certificate: String? = nil
    ) async throws -> Int {
        let context = try certificates.clientContext(trusting: root, certificate: certificate)
        let connection = try await HTTPConnection.open(server.address, tls: context)
        let answer = try await connection.call("GET", "/healthz")
        try? await connection.close()
        return answer.status
    }

    private func expectServed(
        _ server: ServerHarness, _ certificates: TestCertificates, trusting root: String = "root",
        certificate: String? = nil
    ) async throws {
        let status = try await status(server, certificates, trusting: root, certificate: certificate)
        #expect(status == 200)
    }

    @Test func `a client that trusts the root is served, one that does not ends the handshake`() async throws {
        try await with { server, certificates, _ in
            try await expectServed(server, certificates)
            await #expect(throws: (any Error).self) { try await status(server, certificates, trusting: "stranger") }
            try await expectServed(server, certificates)
        }
    }

    @Test func `a connection inside TLS serves many requests, and ends cleanly where it is asked to`() async throws {
        try await with { server, certificates, _ in
            let connection = try await HTTPConnection.open(server.address, tls: try certificates.clientContext())
            let first = try await connection.call("GET", "/healthz")
            #expect(first.headers["strict-transport-security"] == "max-age=31536000")
            #expect(first.headers["x-content-type-options"] == "nosniff")
            for _ in 0..<3 { #expect(try await connection.call("GET", "/healthz").status == 200) }
            let large = try await connection.call("POST", "/tasks", body: ByteBuffer(repeating: 0x20, count: 1 << 20))
            #expect(large.status == 422)
            let last = try await connection.call("GET", "/nothing", headers: [("Connection", "close")])
            #expect(last.status == 404)
            #expect(try await connection.remainder().isEmpty)
        }
    }

    @Test func `a plain client at the TLS port gets no answer, and nobody else notices`() async throws {
        let log = LogRecorder()
        try await with(log: log) { server, certificates, _ in
            let plain = try await server.connect()
            try await plain.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try await plain.remainderBeforeReset()
            #expect(!answer.contains("HTTP/1.1"))
            try await expectServed(server, certificates)
            #expect(log.lines.contains { $0.message == "A TLS handshake failed" && $0.metadata.contains("127.0.0.1") })
            #expect(log.loud.isEmpty)
        }
    }

    @Test func `a TLS client at a plain port is told off, and nobody else notices`() async throws {
        try await TestCertificates.with { certificates in
            try await withServer { server in
                await #expect(throws: (any Error).self) { try await status(server, certificates) }
                let answer = try await server.call("GET", "/healthz")
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `a handshake that does not end is cut off, and holds nobody up`() async throws {
        try await with(handshakeTime: .milliseconds(1500)) { server, certificates, _ in
            let silent = try await server.connect()
            let slow = try await server.connect()
            // The beginning of a record that announces a handshake.
            // On a busy machine it is cut off before that.
            try? await slow.send(ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
            try await expectServed(server, certificates)
            #expect(try await silent.remainderBeforeReset().isEmpty)
            _ = try await slow.remainderBeforeReset()
        }
    }

    @Test func `a handshake that ended in time has no deadline any more`() async throws {
        try await with(handshakeTime: .milliseconds(1500)) { server, certificates, _ in
            let connection = try await HTTPConnection.open(server.address, tls: try certificates.clientContext())
            #expect(try await connection.call("GET", "/healthz").status == 200)
            let silent = try await server.connect()
            #expect(try await silent.remainderBeforeReset().isEmpty)
            #expect(try await connection.call("GET", "/healthz").status == 200)
            try await connection.close()
        }
    }

    @Test func `where clients need a certificate, only one of the right root is served`() async throws {
        try await with(clientCA: "root.pem") { server, certificates, _ in
            try await expectServed(server, certificates, certificate: "client")
            await #expect(throws: (any Error).self) { try await status(server, certificates) }
            await #expect(throws: (any Error).self) { try await status(server, certificates, certificate: "other") }
            try await expectServed(server, certificates, certificate: "client")
        }
    }

    @Test func `a certificate read anew is shown to new connections, and the old ones go on`() async throws {
        try await with { server, certificates, tls in
            let old = try await HTTPConnection.open(server.address, tls: try certificates.clientContext())
            #expect(try await old.call("GET", "/healthz").status == 200)
            #expect(try tls.reload() == false)
            try certificates.issue("server", by: "stranger", days: 9)
            let earlier = tls.validUntil
            #expect(try tls.reload())
            #expect(tls.validUntil > earlier)
            try await expectServed(server, certificates, trusting: "stranger")
            await #expect(throws: (any Error).self) { try await status(server, certificates) }
            #expect(try await old.call("GET", "/healthz").status == 200)
            try await old.close()
        }
    }

    @Test(arguments: [
        ("cp other.key server.key", TLSFileError.Part.key), ("echo nothing >server.key", .key), ("rm server.key", .key),
        ("cp /dev/null server.pem", .certificate), ("rm server.pem", .certificate),
        ("rm server.pem && mkdir server.pem", .certificate),
        ("echo nothing >root.pem", .clientCA), ("head -c 2000000 /dev/zero >root.pem", .clientCA),
    ])
    func `files that cannot be used are refused by their name, and the earlier ones stay`(
        _ line: String, _ part: TLSFileError.Part
    ) async throws {
        try await with(clientCA: "root.pem") { server, certificates, tls in
            try certificates.run("cp root.pem kept.pem")
            try certificates.run(line)
            let error = #expect(throws: TLSFileError.self) { try tls.reload() }
            #expect(error?.part == part)
            let context = try certificates.clientContext(trusting: "kept", certificate: "client")
            let connection = try await HTTPConnection.open(server.address, tls: context)
            #expect(try await connection.call("GET", "/healthz").status == 200)
            try await connection.close()
        }
    }
}
