internal import NIOCore

/// A command that waits for its answer.
protocol PendingCall: AnyObject {
    /// What the command was written into.
    var batch: CommandBatch { get set }
    /// How to say it once more where Redis refused it without doing anything; nil: it was said twice already.
    var repetition: Repetition? { get set }
    var readOnly: Bool { get }
    /// Whether its answer counts only when replicas have confirmed it, on a link that asks for that.
    var awaitsReplicas: Bool { get }

    func complete(with reply: borrowing RedisReply)
    func fail(_ error: RedisError)
    /// Keeps the answer until it is known whether replicas confirmed it.
    func hold(_ reply: borrowing RedisReply)
    /// Replicas confirmed what is held; or they did not, and the error says so.
    func release(_ error: RedisError?)
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
    var repetition: Repetition?
    let readOnly: Bool
    let awaitsReplicas: Bool
    private let promise: EventLoopPromise<Value>
    private let decode: (borrowing RedisReply) throws(RedisError) -> Value
    /// What becomes of an answer that replicas did not confirm; nil: the call fails.
    private let unconfirmed: ((Value, RedisError) -> Value)?
    private var held: Result<Value, RedisError>?

    init(
        batch: CommandBatch, readOnly: Bool, awaitsReplicas: Bool = false, repetition: Repetition? = nil,
        promise: EventLoopPromise<Value>, decode: @escaping (borrowing RedisReply) throws(RedisError) -> Value,
        unconfirmed: ((Value, RedisError) -> Value)? = nil
    ) {
        self.batch = batch
        self.readOnly = readOnly
        self.awaitsReplicas = awaitsReplicas
        self.repetition = repetition
        self.promise = promise
        self.decode = decode
        self.unconfirmed = unconfirmed
    }

    func complete(with reply: borrowing RedisReply) {
        do {
            promise.assumeIsolated().succeed(try decode(reply))
        } catch {
            promise.fail(error)
        }
    }

    func fail(_ error: RedisError) { promise.fail(error) }

    func hold(_ reply: borrowing RedisReply) {
        do throws(RedisError) {
            held = .success(try decode(reply))
        } catch {
            held = .failure(error)
        }
    }

    func release(_ error: RedisError?) {
        switch (held, error) {
        case (.success(let value), nil): promise.assumeIsolated().succeed(value)
        case (.success(let value), let error?):
            if let unconfirmed {
                promise.assumeIsolated().succeed(unconfirmed(value, error))
            } else {
                promise.fail(error)
            }
        case (.failure(let error), _): promise.fail(error)
        case (nil, _): preconditionFailure("a call was released that held no answer")
        }
        held = nil
    }
}

/// What one tick's commands are written into; it goes to the socket at the tick's end.
final class CommandBatch {
    /// Bytes to begin with; a link begins a batch with as many as its last one had, within these bounds.
    static let capacityMin = 1024
    static let capacityMax = 64 << 10

    var writer: RedisArguments
    /// Until when Redis has to answer; known when the batch is handed to the socket.
    var deadline = NIODeadline.distantFuture
    /// Whether replicas have to confirm what it writes: then a `WAIT` stands at its end.
    var awaitsReplicas = false
    /// Calls with their answers, until that `WAIT` is answered.
    var held: [any PendingCall] = []

    init(capacity: Int) {
        writer = RedisArguments(buffer: ByteBufferAllocator().buffer(capacity: capacity))
    }
}

/// A call's words, to be said once more where Redis did not know the script, or sent the call to another node.
struct Repetition {
    /// The script whose source stands in for the digest; nil: the call is no script's.
    let script: RedisScript?
    /// The words of the command.
    let wordCount: Int
    /// Where the words stand in the call's batch: of a script's call those behind the digest.
    let start: Int
    let end: Int

    /// Writes the call; of a script with its source.
    func write(from batch: CommandBatch, to buffer: inout ByteBuffer) {
        buffer.writeRESPArray(wordCount)
        writeWords(from: batch, to: &buffer)
    }

    /// The same without the count of words.
    func writeWords(from batch: CommandBatch, to buffer: inout ByteBuffer) {
        if let script { buffer.writeImmutableBuffer(script.evalHead) }
        if let words = batch.writer.buffer.getSlice(at: start, length: end - start) {
            buffer.writeImmutableBuffer(words)
        }
    }
}
