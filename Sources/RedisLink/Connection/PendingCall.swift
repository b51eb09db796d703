import NIOCore

/// A command that waits for its answer.
///
/// A class with a subclass for each kind of answer, so that a call costs one allocation and its promise.
class PendingCall {
    /// What goes to Redis.
    let bytes: ByteBuffer
    /// When the answer is overdue; set when it is handed to the socket.
    final var deadline = NIODeadline.distantFuture

    init(bytes: ByteBuffer) { self.bytes = bytes }

    /// Takes the answer; returns a call that must be sent in this one's place, if the answer asks for that.
    func receive(_ reply: borrowing RedisReply) -> PendingCall? {
        preconditionFailure("a kind of call takes its answer")
    }

    func fail(_ error: RedisError) { preconditionFailure("a kind of call fails its promise") }
}

/// A call whose answer is decoded into a value.
class ValueCall<Value>: PendingCall {
    private let decode: (borrowing RedisReply) throws(RedisError) -> Value
    private let promise: EventLoopPromise<Value>

    init(
        bytes: ByteBuffer, promise: EventLoopPromise<Value>,
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) {
        self.decode = decode
        self.promise = promise
        super.init(bytes: bytes)
    }

    override func receive(_ reply: borrowing RedisReply) -> PendingCall? {
        if let error = reply.error {
            promise.fail(error)
            return nil
        }
        do {
            promise.assumeIsolated().succeed(try decode(reply))
        } catch {
            promise.fail(error)
        }
        return nil
    }

    override func fail(_ error: RedisError) { promise.fail(error) }

    /// The same call with other words.
    fileprivate func copy(bytes: ByteBuffer) -> ValueCall { ValueCall(bytes: bytes, promise: promise, decode: decode) }
}

/// A call of a script by its hash, which is sent again with the source where Redis has forgotten the script.
final class ScriptCall<Value>: ValueCall<Value> {
    private let script: RedisScript
    private let arguments: ScriptArguments

    init(
        _ script: RedisScript, hash: ByteBuffer, arguments: ScriptArguments, promise: EventLoopPromise<Value>,
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) {
        self.script = script
        self.arguments = arguments
        super.init(bytes: arguments.command("EVALSHA", .bytes(hash)), promise: promise, decode: decode)
    }

    override func receive(_ reply: borrowing RedisReply) -> PendingCall? {
        guard case .reply(code: "NOSCRIPT", message: _)? = reply.error else { return super.receive(reply) }
        // Nothing was run. EVAL runs the source and keeps it, so later calls find it by its hash again.
        return copy(bytes: arguments.command("EVAL", .text(script.source)))
    }
}

/// What a script is called with.
struct ScriptArguments {
    var keys: RedisKeys
    var furtherKeys: [String]
    var words: [RedisArgument]

    func command(_ name: String, _ script: RedisArgument) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeArrayHeader(count: 3 + keys.count + furtherKeys.count + words.count)
        RedisArgument.text(name).write(into: &buffer)
        script.write(into: &buffer)
        RedisArgument.integer(keys.count + furtherKeys.count).write(into: &buffer)
        buffer.writeImmutableBuffer(keys.bytes)
        for key in furtherKeys { RedisArgument.text(key).write(into: &buffer) }
        for word in words { word.write(into: &buffer) }
        return buffer
    }
}
