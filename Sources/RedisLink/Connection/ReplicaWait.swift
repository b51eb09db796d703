/// The `WAIT` at the end of a batch: how many replicas have what the batch, and everything before it, has written.
final class ReplicaWait: PendingCall {
    var batch: CommandBatch
    var repetition: Repetition?
    let readOnly = true
    let awaitsReplicas = false
    private let replicas: Int
    private let timeout: Duration

    init(batch: CommandBatch, replicas: Int, timeout: Duration) {
        self.batch = batch
        self.replicas = replicas
        self.timeout = timeout
    }

    /// The words of the command.
    static func command(replicas: Int, timeout: Duration) -> RedisCommand {
        let milliseconds = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
        // 0 would wait for ever.
        return RedisCommand("WAIT", [.integer(replicas), .integer(max(1, Int(milliseconds)))])
    }

    func complete(with reply: borrowing RedisReply) {
        do throws(RedisError) {
            let confirmed = try reply.integer()
            guard confirmed < replicas else { return release(nil) }
            release(
                .outcomeUnknown(
                    "it was written, but \(confirmed) of \(replicas) replicas confirmed it within \(timeout): a failover "
                        + "may undo it"))
        } catch {
            fail(error)
        }
    }

    func fail(_ error: RedisError) {
        release(.outcomeUnknown("it was written, but whether replicas have it is not known: \(error.sentence)"))
    }

    func hold(_ reply: borrowing RedisReply) {}

    func release(_ error: RedisError?) {
        let held = batch.held
        batch.held = []
        for call in held { call.release(error) }
    }
}
