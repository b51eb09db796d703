import NIOCore
import Testing

@testable import Scheduler

@Suite struct ClientAddressTests {
    private func address(_ text: String, port: Int = 1) throws -> ClientAddress? {
        ClientAddress(try SocketAddress(ipAddress: text, port: port))
    }

    @Test func `an address is the same whatever its port, and as it is mapped into IPv6`() throws {
        #expect(try address("192.0.2.1", port: 1) == address("192.0.2.1", port: 2))
        #expect(try address("192.0.2.1") == address("::ffff:192.0.2.1"))
        #expect(try address("192.0.2.1") != address("192.0.2.2"))
        #expect(try address("192.0.2.1") != address("::192.0.2.1"))
    }

    @Test func `of IPv6 the first 64 bits count`() throws {
        #expect(try address("2001:db8:1:2::1") == address("2001:db8:1:2:ffff:ffff:ffff:ffff"))
        #expect(try address("2001:db8:1:2::1") != address("2001:db8:1:3::1"))
        // The bits of one kind are not the bits of the other.
        #expect(try address("0:0:c000:201::") != address("192.0.2.1"))
    }

    @Test func `a unix socket has none`() throws {
        #expect(ClientAddress(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
        #expect(ClientAddress(nil) == nil)
    }
}
