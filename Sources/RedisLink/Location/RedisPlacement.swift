/// Which server of several a link needs.
public struct RedisPlacement: Sendable, Equatable {
    /// What the server has to be; nil: what the URL says, else the master where there are several, and anything where there
    /// is one.
    ///
    /// A server that is none is left before it is used. One that will not say, by the command `ROLE`, is taken at its word
    /// when it refuses.
    public var role: RedisRole?
    /// A key that the server has to hold, in a cluster; only the part that decides the slot matters.
    public var key: String

    /// Where the URL leads, for keys of that slot.
    public init(role: RedisRole? = nil, key: String = "") {
        self.role = role
        self.key = key
    }
}

/// The slots of a Redis Cluster.
public enum ClusterSlot {
    /// How many there are.
    public static let count = 16_384

    /// The slot of a key: that of its hash tag, where it has one.
    public static func of(_ key: String) -> Int {
        Int(crc16(hashTag(of: key).map(Array.init) ?? Array(key.utf8))) % count
    }

    /// The bytes between the first { and the } behind it, if there are any.
    public static func hashTag(of key: String) -> ArraySlice<UInt8>? {
        let bytes = Array(key.utf8)
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")),
            let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        else { return nil }
        return bytes[(open + 1)..<close]
    }

    /// CRC-16/XMODEM.
    private static func crc16(_ bytes: [UInt8]) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        }
        return crc
    }
}
