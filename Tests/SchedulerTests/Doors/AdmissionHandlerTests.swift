import DMSModel
import Dispatch
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Scheduler

@Suite(.timeLimit(.minutes(1))) struct AdmissionHandlerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func `a listener is not ahead of a loop that closes what was refused, though its own loop closes at once`()
        async throws
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let gate = ConnectionGate(door: "test", connectionsMax: 0, toldMax: 0, logger: logger)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelInitializer { [logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(AdmissionHandler.handlers(gate, logger))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(listener.localAddress)

        // A burst, and the loop that half of it belongs to does nothing for now.
        let (mayAccept, mayClose) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let other = try #require(group.makeIterator().first { $0 !== listener.eventLoop })
        listener.eventLoop.execute { mayAccept.wait() }
        other.execute { mayClose.wait() }
        let count = 100
        var clients: [any Channel] = []
        for _ in 0..<count {
            clients.append(
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address).get())
        }
        mayAccept.signal()
        try await eventually { gate.refusedConnections >= Limits.Connections.closingMax }
        // Each time it looks for something to read, too.
        for _ in 0..<count { try await listener.eventLoop.submit {}.get() }
        // As many again were closed at once, at most.
        #expect(gate.refusedConnections <= 2 * AdmissionHandler.closingMax)

        mayClose.signal()
        try await eventually { gate.refusedConnections == count }
        for client in clients { try await client.closeFuture.get() }
        try await listener.close()
        try await group.shutdownGracefully()
    }
}
