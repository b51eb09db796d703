import DMSModel
import NIOCore

/// What a client is given to ask for the next page: opaque to it, and good for the same query only.
///
/// As bytes: a checksum of all else and of the query's order and filters (8), a version (1), flags (1), the score (8),
/// the id. It needs no secret, since every place in the order may be asked for.
struct PageToken: Equatable {
    /// Where the next page begins.
    var position: ListPosition
    /// Whether the page before was read where tasks are written, because the reader did not know enough yet.
    var isAtWriter: Bool

    private static let version: UInt8 = 1
    private static let headBytes = 18
    private static let writerFlag: UInt8 = 1
    /// A task id of another program's may be longer than one of ours; longer texts than this are not even looked at.
    private static let textBytesMax = 1 << 20

    init(position: ListPosition, isAtWriter: Bool) {
        self.position = position
        self.isAtWriter = isAtWriter
    }

    /// The token of a query; nil where it has none, and throws where that is not one that was given out for it.
    static func of(_ query: TaskQuery) throws(SchedulerError) -> PageToken? {
        guard !query.pageToken.isEmpty else { return nil }
        guard let token = PageToken(query.pageToken, query) else {
            throw .invalid([
                FieldViolation(
                    field: "page_token", kind: .foreignToken,
                    message: "The token is not one that was given out for a query with these filters and this order")
            ])
        }
        return token
    }

    private init?(_ text: String, _ query: TaskQuery) {
        guard text.utf8.count <= PageToken.textBytesMax, let bytes = Base64URL.decode(text),
            bytes.count >= PageToken.headBytes
        else { return nil }
        var buffer = ByteBuffer(bytes: bytes)
        guard let checksum = buffer.readInteger(as: UInt64.self),
            checksum == PageToken.checksum(buffer.readableBytesView, query),
            let version = buffer.readInteger(as: UInt8.self), version == PageToken.version,
            let flags = buffer.readInteger(as: UInt8.self), let score = buffer.readInteger(as: UInt64.self)
        else { return nil }
        self.init(
            position: ListPosition(score: Double(bitPattern: score), id: buffer.slice()),
            isAtWriter: flags & PageToken.writerFlag != 0)
    }

    /// The token as the client gets it.
    func text(for query: TaskQuery) -> String {
        var rest = ByteBuffer()
        rest.writeInteger(PageToken.version)
        rest.writeInteger(isAtWriter ? PageToken.writerFlag : 0)
        rest.writeInteger(position.score.bitPattern)
        rest.writeImmutableBuffer(position.id)
        var bytes = ByteBuffer(integer: PageToken.checksum(rest.readableBytesView, query))
        bytes.writeImmutableBuffer(rest)
        return Base64URL.encode(Array(bytes.readableBytesView))
    }

    /// FNV-1a, over the token's own bytes and everything that the next page must be asked for with.
    private static func checksum(_ bytes: some Sequence<UInt8>, _ query: TaskQuery) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        add([query.newestFirst ? 1 : 0])
        // Names hold no control characters, so that one may stand between them.
        for name in Set(query.statuses.map(\.rawValue)).sorted() { add((name + "\u{1}").utf8) }
        add([2])
        for name in Set(query.priorities.map(\.rawValue)).sorted() { add((name + "\u{1}").utf8) }
        for name in [query.service, query.userID] {
            add([2])
            add(name.utf8)
        }
        add([2])
        add(bytes)
        return hash
    }
}
