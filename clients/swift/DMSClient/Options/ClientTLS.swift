import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How a client knows its server at a `tls://` address, and shows who it is itself.
///
/// The files are in PEM and are read for each connection, so that renewed ones need no new client.
public struct ClientTLS: Sendable, Hashable {
    /// The file of the roots that the server's certificate must lead to; nil: those of the system.
    public var caFile: String?
    /// The file of the client's own certificate, and of those that lead to a root; goes with ``keyFile``.
    public var certificateFile: String?
    /// The file of the certificate's private key.
    public var keyFile: String?
    /// The name that the server's certificate must hold, unless it holds the server's IP address; nil: the address's host.
    public var serverName: String?

    /// By default the system's roots, the address's host and no certificate of its own.
    public init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
    }

    /// Throws what is wrong with the files.
    public func check() throws(ClientTLSError) { _ = try makeContext() }

    /// How long a connection that is closed waits for its server's word of farewell.
    private static let farewellSeconds: Int64 = 1

    func makeContext() throws(ClientTLSError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(ClientTLS.farewellSeconds)
        if let caFile {
            configuration.trustRoots = .certificates(try ClientTLS.certificates(at: caFile))
        }
        switch (certificateFile, keyFile) {
        case (nil, nil): break
        case (let certificateFile?, let keyFile?):
            configuration.certificateChain = try ClientTLS.certificates(at: certificateFile).map { .certificate($0) }
            try ClientTLS.checkReadable(keyFile)
            guard let key = try? NIOSSLPrivateKey(file: keyFile, format: .pem) else {
                throw ClientTLSError(
                    description: "the file '\(keyFile)' holds no private key in PEM that is not encrypted")
            }
            configuration.privateKey = .privateKey(key)
        case (.some, nil), (nil, .some):
            throw ClientTLSError(description: "a client's certificate and its key go together")
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let files = keyFile.map { "the key in '\($0)' is not that of the certificate" } ?? "\(error)"
            throw ClientTLSError(description: files)
        }
    }

    private static func certificates(at path: String) throws(ClientTLSError) -> [NIOSSLCertificate] {
        try checkReadable(path)
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
            throw ClientTLSError(description: "the file '\(path)' holds no certificate in PEM")
        }
        return certificates
    }

    /// What the library says of a file that is not there is no more than that it holds nothing of use.
    private static func checkReadable(_ path: String) throws(ClientTLSError) {
        guard unsafe access(path, R_OK) != 0 else { return }
        throw ClientTLSError(description: "the file '\(path)' cannot be read: \(FailureText.describe(errno: errno))")
    }

    /// The name to ask the server for; nil where the host is an IP address, which is compared as such.
    func serverName(for host: String) -> String? {
        if let serverName { return serverName }
        let isNumber = host.utf8.contains(UInt8(ascii: ":")) || host.allSatisfy { $0.isNumber || $0 == "." }
        return isNumber ? nil : host
    }
}

/// Why TLS cannot be had as the options say.
public struct ClientTLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Half a sentence for people.
    public var description: String
}
