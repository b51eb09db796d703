internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// Keeps what was read from the files of TLS for a while: long enough for all links to connect, and short enough that new
/// files are taken up by whoever connects later.
final class TLSContexts: Sendable {
    private static let ageMax = TimeAmount.seconds(60)

    private let tls: RedisTLS
    private let kept = Mutex<(context: NIOSSLContext, readAt: NIODeadline)?>(nil)

    init(_ tls: RedisTLS) { self.tls = tls }

    /// What encrypts a connection to a host; `host` is its name, or nil where it has none.
    func makeHandler(host: String?) throws -> NIOSSLClientHandler {
        let name = tls.serverName ?? host
        // The certificate has to bear the address then, and there is nobody to ask for by name.
        let isAddress = name.map { (try? SocketAddress(ipAddress: $0, port: 0)) != nil } ?? true
        return try NIOSSLClientHandler(context: try context(), serverHostname: isAddress ? nil : name)
    }

    private func context() throws -> NIOSSLContext {
        try kept.withLock { kept in
            if let kept, .now() - kept.readAt < TLSContexts.ageMax { return kept.context }
            let context = try tls.makeContext()
            kept = (context, .now())
            return context
        }
    }
}
