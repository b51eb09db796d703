import RedisLink
import TestSupport
import Testing

@Suite struct TLSTests {
    private func withServer(
        certificate: String = "server", asksForCertificate: Bool = false,
        _ body: (_ port: Int, TestCertificates) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared()
        let arguments = certificates.arguments(name: certificate, asksForCertificate: asksForCertificate)
        try await TestRedis.with(arguments: arguments, tls: certificates) { try await body($0.port, certificates) }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a certificate of an authority that we trust opens the link, by name and by address`(host: String) async throws
    {
        try await withServer { port, certificates in
            let url = try RedisURL("rediss://\(host):\(port)/2?ca_file=\(certificates.folder)/ca.pem")
            try await LinkHarness.with(url, loops: 2) { link async throws in
                // Larger than a record of TLS.
                let large = String(repeating: "x", count: 100_000)
                try await link.call("SET", "a", large)
                #expect(try await link.call("GET", "a").string == large)
                #expect(try await link.call("CLIENT", "INFO").string?.contains(" db=2 ") == true)
            }
        }
    }

    @Test(arguments: ["", "?ca_file=other.pem", "?ca_file=ca.pem", "?ca_file=ca.pem&server_name=elsewhere.test"])
    func `a server that cannot prove who it is gets nothing, not even the password`(query: String) async throws {
        try await withServer(certificate: "named") { port, certificates in
            let query = query.replacing("ca_file=", with: "ca_file=\(certificates.folder)/")
            let url = try RedisURL("rediss://:geheim@localhost:\(port)\(query)")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("TLS failed")
            }
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a certificate for another name or address is told as such`(host: String) async throws {
        try await withServer(certificate: "named") { port, certificates in
            let url = try RedisURL("rediss://\(host):\(port)?ca_file=\(certificates.folder)/ca.pem")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                try await link.expectNotReady("TLS failed: its certificate is for another name or address")
            }
        }
    }

    @Test(arguments: [
        "?ca_file=ca.pem&server_name=redis.test", "?ca_file=ca.pem&server_name=elsewhere.test&verify=ca",
        "?verify=none",
    ])
    func `another name may be asked for, and less may be checked`(query: String) async throws {
        try await withServer(certificate: "named") { port, certificates in
            let query = query.replacing("ca_file=", with: "ca_file=\(certificates.folder)/")
            try await LinkHarness.with(try RedisURL("rediss://localhost:\(port)\(query)")) { link async throws in
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }

    @Test func `a server that asks for a certificate gets ours`() async throws {
        try await withServer(asksForCertificate: true) { port, certificates in
            let folder = certificates.folder
            let without = try RedisURL("rediss://localhost:\(port)?ca_file=\(folder)/ca.pem")
            try await LinkHarness.with(without, options: LinkHarness.quick, ready: false) { link async throws in
                try await eventually {
                    link.log.loud.contains { $0.metadata.contains("TLS failed") || $0.metadata.contains("closed") }
                }
            }
            let with = try RedisURL(
                "rediss://localhost:\(port)?ca_file=\(folder)/ca.pem&cert_file=\(folder)/client.pem"
                    + "&key_file=\(folder)/client.key")
            try with.tls?.checkFiles()
            try await LinkHarness.with(with) { link async throws in
                #expect(try await link.call("PING").string == "PONG")
            }
        }
    }

    @Test func `a server that speaks no TLS is not ready, and a plain link to one that does is not either`()
        async throws
    {
        try await TestRedis.with(tcp: true) { redis in
            let url = try RedisURL("rediss://localhost:\(redis.port)?verify=none")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                await #expect(throws: RedisError.self) { try await link.client.ready(within: .milliseconds(500)) }
            }
        }
        try await withServer { port, _ in
            let url = try RedisURL("redis://localhost:\(port)")
            try await LinkHarness.with(url, options: LinkHarness.quick, ready: false) { link async throws in
                await #expect(throws: RedisError.self) { try await link.client.ready(within: .milliseconds(500)) }
            }
        }
    }

    @Test func `files that do not fit together are refused before anything connects`() throws {
        let folder = try TestCertificates.shared().folder
        let url = try RedisURL("rediss://h?cert_file=\(folder)/client.pem&key_file=\(folder)/server.key")
        #expect(throws: RedisURLError.self) { try url.tls?.checkFiles() }
        let noKey = try RedisURL("rediss://h?cert_file=\(folder)/client.pem&key_file=\(folder)/client.csr")
        #expect(throws: RedisURLError.self) { try noKey.tls?.checkFiles() }
    }
}
