import Synchronization

/// What redis-servers of the tests show and trust.
extension TestCertificates {
    private static let made = Mutex<TestCertificates?>(nil)

    /// `ca.pem` has issued `server` and `client` (for `localhost` and 127.0.0.1) and `named` (for the name `redis.test` only);
    /// `other.pem` has issued nothing.
    ///
    /// Made at the first call; gone with the machine's temporary files.
    public static func shared() throws -> TestCertificates {
        try made.withLock { made in
            if let made { return made }
            let certificates = TestCertificates(folder: try ServerProcess.makeFolder())
            try certificates.makeRoot("ca")
            try certificates.makeRoot("other")
            try certificates.issue("server", by: "ca")
            try certificates.issue("named", by: "ca", for: "DNS:redis.test")
            try certificates.issue("client", by: "ca")
            made = certificates
            return certificates
        }
    }

    /// What a redis-server or a sentinel that speaks TLS shows, and asks for, of clients and of other servers.
    public func arguments(name: String = "server", asksForCertificate: Bool = false) -> [String] {
        [
            "--tls-cert-file", path("\(name).pem"), "--tls-key-file", path("\(name).key"), "--tls-ca-cert-file",
            path("ca.pem"), "--tls-auth-clients", asksForCertificate ? "yes" : "no", "--tls-replication", "yes",
            "--tls-cluster", "yes",
        ]
    }
}
