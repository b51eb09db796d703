internal import NIOCore
internal import NIOSSL

/// How connections to Redis are encrypted, and whom they trust.
///
/// In a URL with `rediss`: `ca_file`, `cert_file` and `key_file` are paths of PEM files, `server_name` the name that the
/// certificate has to bear, `verify` is `full`, `ca` or `none`.
public struct RedisTLS: Sendable, Equatable {
    /// What of the server's certificate is checked.
    public enum Verification: String, Sendable {
        /// That an authority we trust has signed it, and that it bears the server's name or IP address.
        case full
        /// Only that an authority we trust has signed it.
        case ca
        /// Nothing: whoever answers is believed.
        case none
    }

    /// The authorities to trust; nil: those of the system.
    public var caFile: String?
    /// The certificate that we show, with what stands between it and its authority; nil: none.
    public var certificateFile: String?
    /// The key of that certificate.
    public var keyFile: String?
    /// The name that is asked for and has to be the certificate's; nil: the host that is connected to.
    public var serverName: String?
    /// What is checked.
    public var verification: Verification

    /// By default the server is checked against the authorities of the system, and we show no certificate.
    public init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil,
        verification: Verification = .full
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
        self.verification = verification
    }

    init(_ query: inout RedisURLQuery) throws(RedisURLError) {
        self.init(
            caFile: query.take("ca_file"), certificateFile: query.take("cert_file"), keyFile: query.take("key_file"),
            serverName: query.take("server_name"))
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw RedisURLError("cert_file and key_file need each other")
        }
        for path in [caFile, certificateFile, keyFile, serverName] where path?.isEmpty == true {
            throw RedisURLError("a parameter of TLS is empty")
        }
        if let name = query.take("verify") {
            guard let verification = Verification(rawValue: name) else {
                throw RedisURLError("verify is none of full, ca and none")
            }
            self.verification = verification
        }
    }

    /// Throws where a file is missing or is not what it should be.
    public func checkFiles() throws(RedisURLError) { _ = try makeContext() }

    /// Reads the files.
    func makeContext() throws(RedisURLError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        // Redis answers the end of a connection with its end; nothing is in flight that would be cut off.
        configuration.shutdownTimeout = .milliseconds(200)
        configuration.certificateVerification =
            switch verification {
            case .full: .fullVerification
            case .ca: .noHostnameVerification
            case .none: .none
            }
        if let caFile {
            configuration.trustRoots = .certificates(
                try RedisTLS.read(caFile, "certificate") { try NIOSSLCertificate.fromPEMFile($0) })
        }
        if let certificateFile, let keyFile {
            configuration.certificateChain = try RedisTLS.read(certificateFile, "certificate") {
                try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
            }
            configuration.privateKey = .privateKey(
                try RedisTLS.read(keyFile, "key") { try NIOSSLPrivateKey(file: $0, format: .pem) })
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw RedisURLError("its certificate and key do not fit together, or are of no use: \(error)")
        }
    }

    private static func read<Value>(
        _ path: String, _ what: String, _ body: (String) throws -> Value
    ) throws(RedisURLError) -> Value {
        do {
            return try body(path)
        } catch {
            throw RedisURLError("the file '\(path)' cannot be read, or holds no \(what) in PEM form")
        }
    }
}
