import NIOCore
import NIOPosix

/// Connections that say nothing, each opened again where it is lost.
enum IdleConnections {
    private static let atOnce = 50

    /// Keeps so many open, spread over the ports, until the task that runs it is canceled.
    static func hold(_ count: Int, ports: [Int]) async {
        await withTaskGroup(of: Void.self) { group in
            for first in 0..<min(count, atOnce) {
                group.addTask {
                    var channels: [Int: any Channel] = [:]
                    while !Task.isCancelled {
                        for number in stride(from: first, to: count, by: atOnce)
                        where channels[number]?.isActive != true {
                            if Task.isCancelled { break }
                            channels[number] = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                                .connect(host: "127.0.0.1", port: ports[number % ports.count]).get()
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
}
