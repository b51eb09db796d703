import NIOCore

/// An address that is known once a server listens, or never.
final class ListeningAddress: Sendable {
    private let promise: EventLoopPromise<SocketAddress>

    init(eventLoop: any EventLoop) { promise = eventLoop.makePromise() }

    deinit { promise.fail(RESTServer.NotListening()) }

    func value() async throws -> SocketAddress { try await promise.futureResult.get() }

    /// The first outcome counts.
    func succeed(_ address: SocketAddress?) {
        if let address { promise.succeed(address) } else { fail(RESTServer.NotListening()) }
    }

    func fail(_ error: any Error) { promise.fail(error) }
}
