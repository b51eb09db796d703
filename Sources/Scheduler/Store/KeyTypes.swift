import DMSModel
import NIOCore
import RedisLink

/// Finds the key that holds something of another type, where Redis says that one does and not which.
///
/// It costs nothing before that: then it asks for the types of the keys that scripts name.
final class KeyTypes {
    private let keys: StoreKeys
    private let writer: RedisConnection
    private let reader: RedisConnection

    init(_ keys: StoreKeys, writer: RedisConnection, reader: RedisConnection) {
        self.keys = keys
        self.writer = writer
        self.reader = reader
    }

    /// Fails with what the error means to a caller; `id` is the task whose record was named, where it is one.
    func explain<Value: Sendable>(_ error: any Error, wrote: Bool, _ id: TaskID?) -> EventLoopFuture<Value> {
        guard case RedisError.reply("WRONGTYPE", _) = error else {
            return writer.eventLoop.makeFailedFuture(SchedulerError(store: error, wrote: wrote))
        }
        var expected = keys.types
        if let id { expected.append((keys.record(id), .string)) }
        return wrongKeys(of: expected, on: writer).flatOnLoop { found in
            // What a replica has may differ while it lags behind, and a reader of its own may be another Redis.
            found.isEmpty && self.reader !== self.writer
                ? self.wrongKeys(of: expected, on: self.reader) : self.writer.eventLoop.makeSucceededFuture(found)
        }.onLoop { found in
            guard !found.isEmpty else { throw SchedulerError(store: error, wrote: wrote) }
            let named = RedisError.reply(code: "WRONGTYPE", message: found.prefix(3).joined(separator: "; "))
            throw SchedulerError(store: named, wrote: wrote)
        }
    }

    /// A sentence for each key that is there and of another type; none where they cannot be asked for.
    private func wrongKeys(
        of expected: [(key: String, type: StoreKeys.KeyType)], on connection: RedisConnection
    ) -> EventLoopFuture<[String]> {
        let answers = expected.map { key, _ in
            connection.send(RedisCommand("TYPE", key, readOnly: true)) { reply throws(RedisError) in try reply.text() }
        }
        return EventLoopFuture.whenAllSucceed(answers, on: connection.eventLoop).map { types in
            zip(expected, types).compactMap { expected, type in
                let isRight = type == "none" || type == expected.type.rawValue
                return isRight ? nil : "the key '\(expected.key)' is a \(type), not a \(expected.type.rawValue)"
            }
        }.flatMapErrorThrowing { _ in [] }
    }
}
