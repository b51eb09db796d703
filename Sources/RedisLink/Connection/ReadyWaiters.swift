internal import NIOCore

/// Who waits for a link to be ready.
struct ReadyWaiters {
    private var promises: [Int: EventLoopPromise<Void>] = [:]
    private var lastID = 0

    mutating func add(_ promise: EventLoopPromise<Void>) -> Int {
        lastID += 1
        promises[lastID] = promise
        return lastID
    }

    mutating func remove(_ id: Int) -> EventLoopPromise<Void>? {
        promises.removeValue(forKey: id)
    }

    mutating func finish(with result: Result<Void, RedisError>) {
        let finished = promises
        promises = [:]
        for promise in finished.values { promise.completeWith(result.mapError { $0 as any Error }) }
    }
}
