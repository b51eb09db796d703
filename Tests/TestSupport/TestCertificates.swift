import Foundation
public import NIOSSL

/// Certificates of one test, made by openssl in a folder that is gone when the test is.
///
/// `root.pem` has issued `server` (for `localhost` and 127.0.0.1) and `client`, `stranger.pem` has issued `other`; each has
/// its key beside it, as in `server.pem` and `server.key`.
public struct TestCertificates: Sendable {
    /// Where they are.
    public let folder: String

    /// Makes them, and runs the body.
    public static func with<Value>(_ body: (TestCertificates) async throws -> Value) async throws -> Value {
        let folder = "/tmp/dms-tls-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificates = TestCertificates(folder: folder)
        try certificates.makeRoot("root")
        try certificates.makeRoot("stranger")
        try certificates.issue("server", by: "root")
        try certificates.issue("client", by: "root")
        try certificates.issue("other", by: "stranger")
        return try await body(certificates)
    }

    /// The path of a file among them.
    public func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Makes a root; one of the same name is replaced.
    public func makeRoot(_ name: String) throws {
        try run(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=\(name)' \
            -keyout \(name).key -out \(name).pem
            """)
    }

    /// Makes a certificate; one of the same name is replaced.
    public func issue(
        _ name: String, by root: String, days: Int = 2, for names: String = "DNS:localhost,IP:127.0.0.1"
    ) throws {
        try run(
            """
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=\(name)' \
            -keyout \(name).new -out \(name).csr && \
            echo 'subjectAltName=\(names)' >\(name).ext && \
            openssl x509 -req -in \(name).csr -CA \(root).pem -CAkey \(root).key -set_serial \(Int.random(in: 1..<1 << 40)) \
            -days \(days) -extfile \(name).ext -out \(name).crt && \
            mv \(name).crt \(name).pem && mv \(name).new \(name).key
            """)
    }

    /// What a client connects with that trusts a root, and shows a certificate where it has one.
    public func clientContext(trusting root: String = "root", certificate: String? = nil) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(path("\(root).pem"))
        if let certificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(path("\(certificate).pem"))
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: path("\(certificate).key"), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// Runs a line of shell in the folder; throws where it fails.
    public func run(_ line: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "( \(line) ) >openssl.log 2>&1"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("openssl: \((try? String(contentsOfFile: path("openssl.log"), encoding: .utf8)) ?? "")")
        }
    }
}
