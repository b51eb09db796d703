import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import Scheduler

@Suite struct ClientKeepAliveTests {
    @Test func `an accepted connection is watched`() async throws {
        let (accepted, source) = AsyncStream.makeStream(of: (any Channel).self)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                ClientKeepAlive.enable(on: channel).map { _ = source.yield(channel) }
            }.bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        for await channel in accepted {
            #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() == 1)
            for (name, value) in [
                (TCP_KEEPIDLE, 30...60), (TCP_KEEPINTVL, 10...10), (TCP_KEEPCNT, 3...3),
                (TCP_USER_TIMEOUT, 60_000...60_000),
            ] {
                let option = try await channel.getOption(.tcpOption(.init(rawValue: name))).get()
                #expect(value.contains(Int(option)))
            }
            break
        }
        try await client.close()
        try await server.close()
    }
}
