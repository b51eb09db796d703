import FaultLedger
import NIOCore
import RedisLink
import TestSupport

/// The peace after a run: everything is healed, all that is queued or under a lease is finished, and what is left over noted.
struct Settling {
    private static let secondsMax = 60.0
    /// How long a scheduler may take to put back what it could not deliver, now that Redis is there.
    private static let putBackSecondsMax = 8.0

    let stage: Stage
    let redis: TestRedis
    private let caller: Caller
    private var count = 0

    init(stage: Stage, redis: TestRedis) {
        self.stage = stage
        self.redis = redis
        caller = Caller(client: stage.plan.clients, stage: stage)
    }

    /// Works until nothing is queued and nothing under a lease; then nobody may hold a task, and what is dispatched is stranded.
    mutating func run() async throws {
        try await drain()
        let deadline = stage.seconds + Settling.putBackSecondsMax
        while stage.seconds < deadline, try await caller.dispatched(on: 0)?.isEmpty != true {
            try await Task.sleep(for: .milliseconds(200))
            try await drain()
        }
        try await eventually {
            guard let tasks = try await caller.dispatched(on: 0) else { return false }
            for task in tasks {
                stage.recorder.strand(try await whole(task))
                await insist { await caller.cancel(task.task, of: task.user, on: 0) }
            }
            return tasks.isEmpty
        }
        await caller.close()
    }

    private mutating func drain() async throws {
        let deadline = stage.seconds + Settling.secondsMax
        while true {
            guard stage.seconds < deadline else {
                stage.recorder.incident("the queues were not drained in \(Settling.secondsMax) s of peace")
                return
            }
            count += 1
            let fetch = Fetch(
                name: "settle-\(count)", isRepeatable: true, tasksMax: 100, leaseMilliseconds: 20_000)
            let outcome = await caller.next(
                fetch, wait: .milliseconds(200), on: count % stage.doors.count,
                BinaryDoor.Manner(wait: .milliseconds(200)))
            guard case .done(.tasks(let tasks, _)) = outcome else { continue }
            for (place, task) in tasks.enumerated() {
                let ending = Ending(succeeded: true, text: "\"settled-\(count)-\(place)\"")
                let scheduler = count % stage.doors.count
                await insist {
                    await caller.finish(Proof(task: task.task, token: task.token), ending, on: scheduler)
                }
            }
            if tasks.isEmpty, try await isDrained() { return }
        }
    }

    private func isDrained() async throws -> Bool {
        guard try await SnapshotReader.queued(redis) == 0 else { return false }
        return try await redis.call("ZCARD", "dms:leases").integer == 0
    }

    /// The task as its record has it: a list does not show tokens.
    private func whole(_ task: SeenTask) async throws -> SeenTask {
        guard case .bytes(let text) = try await redis.call("GET", "dms:task:\(task.task)") else { return task }
        return StoredRecord(json: text)?.task ?? task
    }

    /// Calls until the outcome is known.
    private func insist(_ call: () async -> Outcome) async {
        for _ in 0..<20 {
            switch await call() {
            case .done, .refused: return
            case .notDone, .unknown: try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
