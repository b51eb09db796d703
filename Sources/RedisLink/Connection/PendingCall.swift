internal import NIOCore

/// A command that waits for its answer.
protocol PendingCall: AnyObject {
    /// What the command was written into.
    var batch: CommandBatch { get set }
    /// How to repeat it where Redis does not know the script's digest.
    var repetition: ScriptRepetition? { get set }
    var readOnly: Bool { get }

    func complete(with reply: borrowing RedisReply)
    func fail(_ error: RedisError)
}

extension PendingCall {
    /// The connection fell after the command was handed to it.
    func failSent(_ reason: String) {
        fail(readOnly ? .unavailable(reason) : .outcomeUnknown(reason))
    }
}

/// A call, its promise and what makes the value of the answer.
final class TypedCall<Value>: PendingCall {
    var batch: CommandBatch
    var repetition: ScriptRepetition?
    let readOnly: Bool
    private let promise: EventLoopPromise<Value>
    private let decode: (borrowing RedisReply) throws(RedisError) -> Value

    init(
        batch: CommandBatch, readOnly: Bool, repetition: ScriptRepetition? = nil, promise: EventLoopPromise<Value>,
        decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value
    ) {
        self.batch = batch
        self.readOnly = readOnly
        self.repetition = repetition
        self.promise = promise
        self.decode = decode
    }

    func complete(with reply: borrowing RedisReply) {
        do {
            promise.assumeIsolated().succeed(try decode(reply))
        } catch {
            promise.fail(error)
        }
    }

    func fail(_ error: RedisError) { promise.fail(error) }
}

/// What one tick's commands are written into; it goes to the socket at the tick's end.
final class CommandBatch {
    /// Bytes to begin with; a link begins a batch with as many as its last one had, within these bounds.
    static let capacityMin = 1024
    static let capacityMax = 64 << 10

    var writer: RedisArguments
    /// Until when Redis has to answer; known when the batch is handed to the socket.
    var deadline = NIODeadline.distantFuture

    init(capacity: Int) {
        writer = RedisArguments(buffer: ByteBufferAllocator().buffer(capacity: capacity))
    }
}

/// The part of an `EVALSHA` behind the digest, which `EVAL` with the source repeats word for word.
struct ScriptRepetition {
    let script: RedisScript
    /// The words of the command.
    let wordCount: Int
    /// Where `numkeys`, the keys and the arguments stand in the call's batch.
    let start: Int
    let end: Int

    /// Writes the call as `EVAL`.
    func write(from batch: CommandBatch, to buffer: inout ByteBuffer) {
        buffer.writeRESPArray(wordCount)
        buffer.writeImmutableBuffer(script.evalHead)
        if let tail = batch.writer.buffer.getSlice(at: start, length: end - start) {
            buffer.writeImmutableBuffer(tail)
        }
    }
}
