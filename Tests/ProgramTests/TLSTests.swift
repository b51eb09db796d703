import Foundation
import Glibc
import NIOCore
import TestSupport
import Testing

@Suite(.serialized) struct TLSTests {
    /// A scheduler that speaks TLS, with what its settings name in the folder of the certificates.
    private func with(
        _ settings: [String: String] = [:],
        _ body: (SchedulerProcess, TestCertificates) async throws -> Void
    ) async throws {
        try await TestCertificates.with { certificates in
            var environment = [
                "DMS_TLS_CERT_FILE": "server.pem", "DMS_TLS_KEY_FILE": "server.key", "DMS_RPC_SOCKET": "rpc.sock",
            ]
            environment.merge(settings) { $1 }
            let scheduler = try await SchedulerProcess.start(
                folder: certificates.folder, environment: environment,
                tls: try certificates.clientContext(certificate: "client"))
            try await body(scheduler, certificates)
            let code = try await scheduler.terminate()
            #expect(code == 0)
        }
    }

    private func status(
        _ scheduler: SchedulerProcess, _ certificates: TestCertificates, trusting root: String
    ) async -> Int? {
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: scheduler.httpPort),
            let context = try? certificates.clientContext(trusting: root),
            let connection = try? await HTTPConnection.open(address, tls: context)
        else { return nil }
        let answer = try? await connection.call("GET", "/healthz")
        try? await connection.close()
        return answer?.status
    }

    @Test func `a certificate that is replaced is used without a restart, a broken one is not`() async throws {
        try await with { scheduler, certificates in
            let held = try await scheduler.connect()
            #expect(try await held.call("GET", "/healthz").status == 200)
            // What is written by and by is read when it is at rest.
            try certificates.issue("server", by: "stranger")
            try await eventually { await status(scheduler, certificates, trusting: "stranger") == 200 }
            #expect(await status(scheduler, certificates, trusting: "root") == nil)

            try certificates.run("cp server.pem good.pem && echo broken >server.pem")
            try await eventually { scheduler.program.errors.contains("the earlier one stays in use") }
            #expect(scheduler.program.errors.contains("DMS_TLS_CERT_FILE"))
            #expect(await status(scheduler, certificates, trusting: "stranger") == 200)
            #expect(try await held.call("GET", "/healthz").status == 200)

            try certificates.run("cp server.pem broken.pem && mv good.pem server.pem")
            scheduler.program.signal(SIGHUP)
            #expect(await status(scheduler, certificates, trusting: "stranger") == 200)
            #expect(try await held.call("GET", "/healthz").status == 200)
            try await held.close()
        }
    }

    @Test func `the programs speak TLS with a certificate of their own, from flags and from the environment`()
        async throws
    {
        try await with(["DMS_TLS_CLIENT_CA_FILE": "root.pem"]) { scheduler, _ in
            let flags = ["--ca-file", "root.pem", "--cert-file", "client.pem", "--key-file", "client.key"]
            let variables = ["DMS_CA_FILE": "root.pem", "DMS_CERT_FILE": "client.pem", "DMS_KEY_FILE": "client.key"]
            for host in ["localhost", "127.0.0.1"] {
                let server = "tls://\(host):\(scheduler.rpcPort)"
                let health = try await run(scheduler, "dms-admin", ["health", "--server", server] + flags)
                #expect(health.code == 0, "\(health.errors)")
                let next = try await run(
                    scheduler, "dms-submitter", ["next"], variables.merging(["DMS_SERVER": server]) { $1 })
                #expect(next.code == 3, "\(next.errors)")
            }
            let plain = try await run(
                scheduler, "dms-admin", ["health"], ["DMS_SERVER": "unix://\(scheduler.folder)/rpc.sock"])
            #expect(plain.code == 0, "\(plain.errors)")
        }
    }

    @Test func `a program that cannot speak TLS with the server says why`() async throws {
        try await with(["DMS_TLS_CLIENT_CA_FILE": "root.pem"]) { scheduler, _ in
            let server = "tls://127.0.0.1:\(scheduler.rpcPort)"
            let own = ["--cert-file", "client.pem", "--key-file", "client.key"]
            let cases: [(server: String, flags: [String], code: Int32, says: String)] = [
                (server, ["--ca-file", "stranger.pem"] + own, 69, "does not lead to a root that is trusted here"),
                (server, own, 69, "does not lead to a root that is trusted here"),
                (server, ["--ca-file", "root.pem"], 69, "for a client's certificate"),
                (
                    server, ["--ca-file", "nowhere.pem"], 64,
                    "the file 'nowhere.pem' cannot be read: no such file or directory"
                ), (server, ["--ca-file", "client.key"], 64, "the file 'client.key' holds no certificate in PEM"),
                (
                    server, ["--cert-file", "nowhere.pem", "--key-file", "client.key"], 64,
                    "the file 'nowhere.pem' cannot be read: no such file or directory"
                ),
                (
                    server, ["--cert-file", "client.pem", "--key-file", "nowhere.key"], 64,
                    "the file 'nowhere.key' cannot be read: no such file or directory"
                ),
                (server, ["--cert-file", "client.pem", "--key-file", "client.pem"], 64, "holds no private key in PEM"),
                (server, ["--cert-file", "client.pem"], 64, "go together"),
                (
                    server, ["--cert-file", "client.pem", "--key-file", "other.key"], 64,
                    "is not that of the certificate"
                ),
                ("unix:///nowhere", ["--ca-file", "root.pem"], 64, "need a tls:// server"),
            ]
            for (server, flags, code, says) in cases {
                let result = try await run(scheduler, "dms-admin", ["stats", "--server", server] + flags)
                #expect(result.code == code, "\(flags): \(result.errors)")
                #expect(result.errors.contains(says), "\(flags): \(result.errors)")
            }
            // Nothing was sent, so what became of it is known.
            let change = try await run(
                scheduler, "dms-admin", ["block", "--server", server, "--ca-file", "root.pem"])
            #expect(change.code == 69, "\(change.errors)")
            let plain = try await run(
                scheduler, "dms-admin", ["stats"], ["DMS_SERVER": "127.0.0.1:\(scheduler.rpcPort)"])
            #expect(plain.code == 69, "\(plain.errors)")
        }
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let result = try await run(
                scheduler, "dms-admin", ["stats", "--server", "tls://127.0.0.1:\(scheduler.rpcPort)"])
            #expect(result.code == 69)
            #expect(result.errors.contains("the server does not speak TLS there"), "\(result.errors)")
            _ = try await scheduler.terminate()
        }
    }

    @Test func `something else that speaks TLS is no scheduler`() async throws {
        try await with { scheduler, _ in
            let server = "tls://127.0.0.1:\(scheduler.httpPort)"
            for words in [["dms-submitter", "next"], ["dms-admin", "block"], ["dms-submitter", "run", "--", "true"]] {
                let separator = words.firstIndex(of: "--") ?? words.endIndex
                let result = try await run(
                    scheduler, words[0],
                    words[1..<separator] + ["--server", server, "--ca-file", "root.pem"] + words[separator...])
                #expect(result.code == 76, "\(result.errors)")
                #expect(result.errors.contains("What answers at \(server) is no scheduler: "), "\(result.errors)")
            }
        }
    }

    @Test func `a certificate must be for the host, or for the name that is given in its place`() async throws {
        try await with(["DMS_TLS_CLIENT_CA_FILE": "root.pem"]) { scheduler, certificates in
            try certificates.issue("server", by: "root", for: "DNS:dms.example")
            scheduler.program.signal(SIGHUP)
            try await eventually { scheduler.program.errors.contains("The TLS certificate was read anew") }
            let flags = [
                "health", "--server", "tls://127.0.0.1:\(scheduler.rpcPort)", "--ca-file", "root.pem", "--cert-file",
                "client.pem", "--key-file", "client.key",
            ]
            let named = try await run(scheduler, "dms-admin", flags + ["--server-name", "dms.example"])
            #expect(named.code == 0, "\(named.errors)")
            for other in [[], ["--server-name", "other.example"]] {
                let result = try await run(scheduler, "dms-admin", flags + other)
                #expect(result.code == 69)
                #expect(result.errors.contains("is for another name"), "\(result.errors)")
            }
        }
    }

    private func run(
        _ scheduler: SchedulerProcess, _ name: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) async throws -> (code: Int32, output: String, errors: String) {
        try await Program.run(name, arguments, environment: environment, folder: scheduler.folder)
    }

    @Test func `files in PEM may begin with a byte order mark`() async throws {
        try await TestCertificates.with { certificates in
            let mark = "printf '\\357\\273\\277' | cat - $f >marked-$f"
            try certificates.run("for f in server.pem server.key root.pem; do \(mark); done")
            let scheduler = try await SchedulerProcess.start(
                folder: certificates.folder,
                environment: [
                    "DMS_TLS_CERT_FILE": "marked-server.pem", "DMS_TLS_KEY_FILE": "marked-server.key",
                    "DMS_TLS_CLIENT_CA_FILE": "marked-root.pem",
                ], tls: try certificates.clientContext(certificate: "client"))
            #expect(try await scheduler.http("GET", "/healthz").status == 200)
            _ = try await scheduler.terminate()
        }
    }

    @Test(arguments: [
        (["DMS_TLS_CERT_FILE": "server.pem"], "DMS_TLS_CERT_FILE", "needs DMS_TLS_KEY_FILE"),
        (["DMS_TLS_KEY_FILE": "server.key"], "DMS_TLS_KEY_FILE", "needs DMS_TLS_CERT_FILE"),
        (["DMS_TLS_CLIENT_CA_FILE": "root.pem"], "DMS_TLS_CLIENT_CA_FILE", "needs DMS_TLS_CERT_FILE"),
        (
            ["DMS_TLS_CERT_FILE": "server.pem", "DMS_TLS_KEY_FILE": "other.key"], "DMS_TLS_KEY_FILE",
            "does not hold the key of the certificate"
        ),
        (
            ["DMS_TLS_CERT_FILE": "nowhere.pem", "DMS_TLS_KEY_FILE": "server.key"], "DMS_TLS_CERT_FILE",
            "cannot be read"
        ),
        (
            [
                "DMS_TLS_CERT_FILE": "server.pem", "DMS_TLS_KEY_FILE": "server.key",
                "DMS_TLS_CLIENT_CA_FILE": "root.key",
            ],
            "DMS_TLS_CLIENT_CA_FILE", "holds no certificate"
        ),
    ])
    func `settings of TLS that cannot be used end the program with 78`(
        _ settings: [String: String], _ name: String, _ problem: String
    ) async throws {
        try await TestCertificates.with { certificates in
            let result = try await Program.run(
                "dms-scheduler", [], environment: settings, folder: certificates.folder)
            #expect(result.code == 78)
            #expect(result.errors.contains(name))
            #expect(result.errors.contains(problem))
        }
    }
}
