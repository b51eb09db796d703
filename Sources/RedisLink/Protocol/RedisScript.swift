/// A Lua script; every connection of a client that knows it loads it before it is used.
public final class RedisScript: Sendable {
    /// For logs.
    public let name: String
    public let source: String
    /// Whether it changes nothing, so that it may run on a replica.
    public let readOnly: Bool

    public init(name: String, source: String, readOnly: Bool = false) {
        self.name = name
        self.source = source
        self.readOnly = readOnly
    }
}
