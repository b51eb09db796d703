import Logging
import NIOCore
import NIOPosix
import Scheduler
import ServerTLS

/// The sockets that the binary door listens on.
struct Listeners {
    private static let backlog: CInt = 4096

    private(set) var channels: [any Channel] = []
    private var socketPath: String?

    /// Where the door listens: TCP first.
    var addresses: [SocketAddress] { channels.compactMap(\.localAddress) }

    /// Opens the sockets; throws ``RPCServerError``, and leaves none open then.
    static func open(
        _ configuration: RPCServerConfiguration, group: MultiThreadedEventLoopGroup,
        gate: ConnectionGate, logger: Logger,
        onConnection: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(RPCServerError) -> Listeners {
        var listeners = Listeners()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(AdmissionHandler.handlers(gate, logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(
                    low: configuration.limits.unsentBytesMax / 2, high: configuration.limits.unsentBytesMax)
            )
            .childChannelInitializer { channel in
                ClientKeepAlive.enable(on: channel).flatMap {
                    configuration.tls?.secure(channel, .binary) ?? channel.eventLoop.makeSucceededVoidFuture()
                }.flatMap { onConnection(channel) }
            }
        do throws(RPCServerError) {
            try await listeners.openTCP(bootstrap, configuration)
            if let path = configuration.socketPath { try await listeners.openUnix(bootstrap, path, group) }
        } catch {
            await listeners.close()
            throw error
        }
        return listeners
    }

    private mutating func openTCP(
        _ bootstrap: ServerBootstrap, _ configuration: RPCServerConfiguration
    ) async throws(RPCServerError) {
        do {
            let channel = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: configuration.host, port: configuration.port).get()
            channels.append(channel)
        } catch {
            let address = ListenAddress.text(host: configuration.host, port: configuration.port)
            throw .cannotListen(address: address, reason: ListenAddress.reason(of: error))
        }
    }

    private mutating func openUnix(
        _ bootstrap: ServerBootstrap, _ path: String, _ group: MultiThreadedEventLoopGroup
    ) async throws(RPCServerError) {
        // A socket that nobody listens on is left over from a process that was killed.
        if let channel = try? await ClientBootstrap(group: group).connect(unixDomainSocketPath: path).get() {
            try? await channel.close()
            throw .socketInUse(path: path)
        }
        do {
            let channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            channels.append(channel)
            socketPath = path
        } catch is UnixDomainSocketPathWrongType {
            throw .cannotListenOnSocket(path: path, reason: "there is a file that is no socket")
        } catch {
            throw .cannotListenOnSocket(path: path, reason: ListenAddress.reason(of: error))
        }
    }

    /// Stops listening, and takes the unix socket's file away.
    mutating func close() async {
        for channel in channels { try? await channel.close() }
        channels = []
        if let path = socketPath { SocketFile.remove(path) }
        socketPath = nil
    }
}
