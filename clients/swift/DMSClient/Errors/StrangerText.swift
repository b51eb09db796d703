import DMSWire

/// What a server is that sends no frames, as far as its first bytes tell.
enum StrangerText {
    private static let http = Array("HTTP".utf8)
    private static let printable = UInt8(0x20)...UInt8(0x7E)
    /// The first two bytes of a TLS record: a handshake's or an alert's, and the version's.
    private static let tls: [[UInt8]] = [[0x15, 0x03], [0x16, 0x03]]

    /// Half a sentence for people about a header that announces too long a frame.
    static func describe(_ header: FrameHeader) -> String {
        let length = header.dataLength
        let start = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        if start == http {
            let port = ServerAddress.defaultPort
            return "it looks like HTTP, which the REST port speaks; the RPC port is \(port) unless set"
        }
        if tls.contains(where: start.starts) {
            return "it looks like TLS, which an address with tls:// in front speaks"
        }
        if start.allSatisfy(printable.contains) {
            return "it sends text that begins with '\(String(decoding: start, as: UTF8.self))', and no frames"
        }
        return "it announced a frame of \(length) bytes, where \(FrameLimits.dataBytesMax) are the most"
    }
}
