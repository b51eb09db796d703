import NIOCore
import Testing

@testable import dms_scheduler

@Suite struct ExposureTests {
    @Test(arguments: [
        ("127.0.0.1", false), ("127.8.9.1", false), ("::1", false), ("::ffff:127.0.0.1", false), ("0.0.0.0", true),
        ("::", true), ("192.0.2.1", true), ("128.0.0.1", true), ("2001:db8::1", true), ("::ffff:192.0.2.1", true),
    ])
    func `an address that is not loopback's is reached from elsewhere`(_ text: String, _ isReached: Bool) throws {
        #expect(try SocketAddress(ipAddress: text, port: 8000).isReachedFromElsewhere == isReached)
    }

    @Test func `a unix socket is not reached from elsewhere`() throws {
        #expect(try !SocketAddress(unixDomainSocketPath: "/run/dms.sock").isReachedFromElsewhere)
    }
}
