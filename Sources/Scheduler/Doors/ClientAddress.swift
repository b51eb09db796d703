import NIOCore

/// Who a connection comes from, as far as anything is counted by it: an IPv4 address, or the /64 of an IPv6 one.
///
/// Whoever has one IPv6 address mostly has all that differ from it behind the first eight bytes only.
struct ClientAddress: Hashable {
    private let bytes: UInt64
    private let isVersion6: Bool

    /// Nil for whatever is neither, such as a unix socket: those who may open that are not told apart.
    init?(_ address: SocketAddress?) {
        guard let address, let packed = ClientAddress.packed(address) else { return nil }
        isVersion6 = packed.count == 16
        bytes = packed.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The address in the order of the network, an IPv4 address that was mapped into IPv6 as what it is.
    private static func packed(_ address: SocketAddress) -> [UInt8]? {
        switch address {
        case .v4: return bytes(of: address, 4..<8)
        case .v6:
            let bytes = bytes(of: address, 8..<24)
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            return bytes.starts(with: mapped) ? Array(bytes.dropFirst(mapped.count)) : bytes
        case .unixDomainSocket: return nil
        }
    }

    /// Where in `sockaddr_in` and `sockaddr_in6` the address stands.
    private static func bytes(of address: SocketAddress, _ range: Range<Int>) -> [UInt8] {
        unsafe address.withSockAddr { pointer, size in
            precondition(size >= range.upperBound, "the kernel's address has its address in it")
            return unsafe [UInt8](UnsafeRawBufferPointer(start: pointer, count: size)[range])
        }
    }
}
