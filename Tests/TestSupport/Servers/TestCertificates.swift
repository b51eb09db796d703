import Foundation
import Synchronization

/// An authority of the tests, a server's certificate for `localhost` and 127.0.0.1, one for the name `redis.test` only, and a
/// client's; made once by openssl.
public struct TestCertificates: Sendable {
    private static let made = Mutex<TestCertificates?>(nil)

    private static let script = """
        set -e
        new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "$@"; }
        new -x509 -keyout ca.key -out ca.pem -subj /CN=test-authority
        new -x509 -keyout other.key -out other.pem -subj /CN=other-authority
        for name in server named client; do
            new -keyout $name.key -out $name.csr -subj /CN=$name
            case $name in
                named) echo "subjectAltName=DNS:redis.test" ;;
                *) echo "subjectAltName=DNS:localhost,IP:127.0.0.1" ;;
            esac >$name.ext
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
        done
        """

    /// Where `ca.pem`, `other.pem` (which signed nothing here), `server.pem`, `named.pem`, `client.pem` and their `.key` files are.
    public let folder: String

    /// Made at the first call; gone with the machine's temporary files.
    public static func shared() throws -> TestCertificates {
        try made.withLock { made in
            if let made { return made }
            let folder = try ServerProcess.makeFolder()
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "(\(script)\n) >openssl.log 2>&1"]
            process.currentDirectoryURL = URL(fileURLWithPath: folder)
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else {
                let log = try? String(contentsOfFile: "\(folder)/openssl.log", encoding: .utf8)
                throw TestFailure("openssl made no certificates: \(log ?? "")")
            }
            let certificates = TestCertificates(folder: folder)
            made = certificates
            return certificates
        }
    }

    /// What makes a redis-server speak TLS on that port, and show clients and masters its certificate.
    public func arguments(port: Int, name: String = "server", asksForCertificate: Bool = false) -> [String] {
        [
            "--port", "0", "--tls-port", "\(port)", "--tls-cert-file", "\(folder)/\(name).pem", "--tls-key-file",
            "\(folder)/\(name).key", "--tls-ca-cert-file", "\(folder)/ca.pem", "--tls-auth-clients",
            asksForCertificate ? "yes" : "no", "--tls-replication", "yes", "--tls-cluster", "yes",
        ]
    }
}
