import DMSWire
import NIOCore
import NIOPosix
import Synchronization

/// Connections that ask for nothing, each opened again where it is lost.
///
/// Each sends one ping, as clients do that connect: a connection without a whole frame is closed after some seconds.
final class IdleConnections: Sendable {
    private static let atOnce = 50

    private let openCounts: Mutex<[Int: Int]> = Mutex([:])

    /// How many are open to each port now.
    var open: [Int: Int] { openCounts.withLock { $0 } }

    /// Keeps so many open, spread over the ports, until the task that runs it is canceled.
    func hold(_ count: Int, ports: [Int]) async {
        await withTaskGroup(of: Void.self) { group in
            for first in 0..<min(count, IdleConnections.atOnce) {
                group.addTask {
                    var channels: [Int: any Channel] = [:]
                    while !Task.isCancelled {
                        for number in stride(from: first, to: count, by: IdleConnections.atOnce)
                        where channels[number]?.isActive != true {
                            if Task.isCancelled { break }
                            channels[number] = try? await self.connect(ports[number % ports.count])
                            // The server is away: it may come again.
                            if channels[number] == nil { try? await Task.sleep(for: .milliseconds(500)) }
                        }
                        try? await Task.sleep(for: .seconds(1))
                    }
                    for channel in channels.values { try? await channel.close() }
                }
            }
        }
    }

    private func connect(_ port: Int) async throws -> any Channel {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        openCounts.withLock { $0[port, default: 0] += 1 }
        channel.closeFuture.whenComplete { _ in self.openCounts.withLock { $0[port, default: 0] -= 1 } }
        var ping = ByteBuffer()
        FrameEncoder.write(.ping, streamID: 0, data: ByteBuffer(), into: &ping)
        channel.writeAndFlush(ping, promise: nil)
        return channel
    }
}
