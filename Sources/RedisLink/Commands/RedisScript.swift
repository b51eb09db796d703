internal import NIOCore

/// A Lua script, which a link loads when it connects and calls by the digest that Redis answered.
public final class RedisScript: Sendable {
    /// What it is called in messages.
    public let name: String
    /// The script's text in Lua, as Redis gets it.
    public let source: String
    /// Whether it changes nothing; see ``RedisCommand/readOnly``.
    public let readOnly: Bool
    /// Whether its answer counts only when as many replicas have confirmed what was written as the link asks for.
    public let awaitsReplicas: Bool
    /// `EVAL` and the source: what a call begins with after its count of words where Redis does not know the digest.
    let evalHead: ByteBuffer

    /// A script from its text, which is not checked before Redis loads it; by default one that may write.
    ///
    /// `awaitsReplicas` means nothing to one that only reads.
    public init(name: String, source: String, readOnly: Bool = false, awaitsReplicas: Bool = true) {
        self.name = name
        self.source = source
        self.readOnly = readOnly
        self.awaitsReplicas = awaitsReplicas && !readOnly
        var head = ByteBufferAllocator().buffer(capacity: source.utf8.count + 32)
        head.writeRESPString("EVAL")
        head.writeRESPString(source)
        self.evalHead = head
    }
}

/// The keys that every call of a script names, encoded once.
public struct RedisKeys: Sendable {
    /// The number of keys.
    public let count: Int
    /// The keys as RESP strings.
    let encoded: ByteBuffer
    /// `numkeys` and the keys, for a call that names no others.
    let encodedWithCount: ByteBuffer

    /// Encodes the keys, in the order in which the script's `KEYS` has them.
    public init(_ keys: [String]) {
        var encoded = ByteBuffer()
        for key in keys { encoded.writeRESPString(key) }
        var encodedWithCount = ByteBuffer()
        encodedWithCount.writeRESPString(keys.count)
        encodedWithCount.writeImmutableBuffer(encoded)
        self.count = keys.count
        self.encoded = encoded
        self.encodedWithCount = encodedWithCount
    }
}

extension RedisKeys: ExpressibleByArrayLiteral {
    /// See ``init(_:)``.
    public init(arrayLiteral keys: String...) { self.init(keys) }
}
