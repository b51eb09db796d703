public import DMSModel
public import Logging
public import NIOCore
import NIOSSL
import Synchronization

/// TLS as both doors offer it: one certificate, read anew while they serve.
///
/// A connection goes on with what it began with; what was read anew counts for those that come after.
public final class ServerTLS: Sendable {
    /// What is spoken inside TLS.
    public enum ApplicationProtocol: Sendable {
        /// HTTP/1.1, which clients may ask for by its name.
        case http1
        /// The binary protocol, which has no name.
        case binary
    }

    private struct State {
        var contents: TLSFiles.Contents
        var http1: NIOSSLContext
        var binary: NIOSSLContext
        var validUntil: Timestamp
    }

    /// The files that it was made of.
    public let files: TLSFiles
    private let handshakeTime: TimeAmount
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - files: Where the certificate, its key and the clients' roots are.
    ///   - handshakeTime: A client that has not finished its handshake by then is cut off.
    ///   - logger: Is told of handshakes that fail, which is of interest to who looks for the reason only.
    public init(
        _ files: TLSFiles, handshakeTime: Duration = .seconds(10), logger: Logger
    ) throws(TLSFileError) {
        self.files = files
        self.handshakeTime = TimeAmount(handshakeTime)
        self.logger = logger
        state = Mutex(try ServerTLS.load(files, try files.read()))
    }

    /// When the server's certificate ends.
    public var validUntil: Timestamp { state.withLock { $0.validUntil } }

    /// Reads the files again; false where they hold what they held.
    ///
    /// Where it throws, everything stays as it was.
    public func reload() throws(TLSFileError) -> Bool {
        let contents = try files.read()
        guard state.withLock({ $0.contents != contents }) else { return false }
        let loaded = try ServerTLS.load(files, contents)
        state.withLock { $0 = loaded }
        return true
    }

    /// Puts TLS in front of all that is, and will be, in a new connection's pipeline; a unix socket's stays plain.
    public func secure(
        _ channel: any Channel, _ applicationProtocol: ApplicationProtocol
    ) -> EventLoopFuture<Void> {
        // A connection that is gone already may have no address: that is no reason to take it for a plain one.
        if case .unixDomainSocket = channel.localAddress { return channel.eventLoop.makeSucceededVoidFuture() }
        let context = state.withLock { state in
            switch applicationProtocol {
            case .http1: state.http1
            case .binary: state.binary
            }
        }
        return channel.eventLoop.makeCompletedFuture {
            var configuration = NIOSSLHandler.Configuration()
            configuration.maximumPreservedOutboundBufferCapacity = ServerTLS.keptOutputBytesMax
            try channel.pipeline.syncOperations.addHandlers([
                NIOSSLServerHandler(context: context, configuration: configuration),
                HandshakeDeadline(in: handshakeTime, logger),
            ])
        }
    }

    /// Of a connection's buffer for what is encrypted this much is kept between writes.
    private static let keptOutputBytesMax = 64 << 10
    /// How long a connection that is closed waits for its client's word of farewell.
    private static let farewellTime = TimeAmount.seconds(1)

    private static func load(_ files: TLSFiles, _ contents: TLSFiles.Contents) throws(TLSFileError) -> State {
        let chain = try certificates(.certificate, files.certificate, contents.certificate)
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: contents.key, format: .pem)
        } catch {
            throw TLSFileError(
                part: .key, path: files.key, problem: "holds no private key in PEM that is not encrypted")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        if let path = files.clientCA, let bytes = contents.clientCA {
            configuration.trustRoots = .certificates(try certificates(.clientCA, path, bytes))
            // There is no name to compare a client's certificate with; its way to a root is all that counts.
            configuration.certificateVerification = .noHostnameVerification
            configuration.sendCANameList = true
        }
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = farewellTime
        do {
            let binary = try NIOSSLContext(configuration: configuration)
            configuration.applicationProtocols = ["http/1.1"]
            return State(
                contents: contents, http1: try NIOSSLContext(configuration: configuration), binary: binary,
                validUntil: Timestamp(seconds: Int64(chain[0].notValidAfter), nanoseconds: 0))
        } catch {
            throw TLSFileError(
                part: .key, path: files.key,
                problem: "does not hold the key of the certificate in '\(files.certificate)'")
        }
    }

    private static func certificates(
        _ part: TLSFileError.Part, _ path: String, _ bytes: [UInt8]
    ) throws(TLSFileError) -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw TLSFileError(part: part, path: path, problem: "holds no certificate in PEM")
        }
        return certificates
    }
}
