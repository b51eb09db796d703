public import NIOCore

/// What every new connection asks its server before it is used, and who is told what the server said.
public struct RedisInspection: Sendable {
    let commands: [RedisCommand]
    let heed: @Sendable (any EventLoop, [RedisValue]) -> Void

    /// An inspection; the commands only read.
    ///
    /// `heed` is called on the connection's loop before the first call goes over it, with one value for each command. An error
    /// answer is a value too: it does not keep the connection from being used.
    public init(_ commands: [RedisCommand], heed: @escaping @Sendable (any EventLoop, [RedisValue]) -> Void) {
        self.commands = commands
        self.heed = heed
    }
}
