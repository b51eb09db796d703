import DMSClient
import DMSModel
import DMSWire
import NIOCore

/// A client of the binary door: a submitter of tasks, a worker, or one who looks.
struct SoakClient {
    let client: DMSClient
    let ledger: SoakLedger
    /// Between two calls, on average.
    let pause: Duration
    var noise: SoakNoise

    /// Submits tasks, and cancels some of them, until the task that runs it is canceled.
    mutating func submit() async {
        while !Task.isCancelled {
            await noise.sleep(pause)
            guard let number = ledger.begin() else { continue }
            await enqueue(number)
            guard noise.chance(of: 50), !Task.isCancelled else { continue }
            let cancellation = TaskCancellation(taskID: SoakLedger.id(number), service: "soak", userID: "bench")
            if let record = await call(
                "cancel",
                { () async throws(DMSClientError) in
                    try await client.tasks.cancel(cancellation)
                }), record.status == .canceled
            {
                ledger.ended(record.taskID, .canceled)
            }
        }
    }

    private mutating func enqueue(_ number: Int) async {
        let submission = TaskSubmission(
            taskID: SoakLedger.id(number), service: "soak", userID: "bench", parameters: SoakNoise.parameters(number),
            priority: number % 20 == 0 ? .high : .low)
        // Until it is known that the scheduler has it.
        while true {
            let start = ContinuousClock.now
            do {
                _ = try await client.tasks.enqueue(submission)
                ledger.answered("enqueue", in: .now - start)
                return ledger.confirm(number)
            } catch {
                if error.rpcError?.knownReason == .taskExists { return ledger.confirm(number) }
                ledger.failed("enqueue", SoakClient.reason(error))
                if Task.isCancelled { return }
                await noise.sleep(.milliseconds(200))
            }
        }
    }

    /// Takes tasks and ends them in every way there is, until the task that runs it is canceled.
    mutating func work() async {
        while !Task.isCancelled {
            let request = NextRequest(
                maxTasks: 1 + UInt32(noise.next() % 4), waitMilliseconds: 3000, leaseMilliseconds: 3000)
            guard
                let answer = await call(
                    nil,
                    { () async throws(DMSClientError) in
                        try await client.submitter.next(request)
                    })
            else {
                await noise.sleep(.milliseconds(200))
                continue
            }
            for task in answer.leasedTasks { ledger.delivered(task.record.taskID, until: task.leaseExpiresAt) }
            for task in answer.leasedTasks { await end(task) }
        }
    }

    private mutating func end(_ task: LeasedTask) async {
        let lease = LeaseReference(taskID: task.record.taskID, token: task.leaseToken)
        if noise.chance(of: 10) {
            _ = await call("renew") { () async throws(DMSClientError) in try await client.submitter.renew([lease]) }
        }
        switch noise.next() % 40 {
        case 0: return  // Forgotten: its lease will end.
        case 1:
            _ = await call("return") { () async throws(DMSClientError) in try await client.submitter.return(lease) }
        case 2:
            let outcomes = await call("ack") { () async throws(DMSClientError) in
                try await client.submitter.ack([lease])
            }
            if let outcome = outcomes?.first, outcome.error == nil, !outcome.isCanceled {
                ledger.ended(lease.taskID, .taken)
            }
        default:
            let ending = noise.chance(of: 10) ? TaskEnding.failed(error: "soaked") : .completed()
            let record = await call("finish") { () async throws(DMSClientError) in
                try await client.submitter.finish(lease, ending)
            }
            if record != nil { ledger.ended(lease.taskID, .finished) }
        }
    }

    /// Reads tasks, pages and counters until the task that runs it is canceled.
    mutating func look() async {
        while !Task.isCancelled {
            await noise.sleep(pause)
            switch noise.next() % 10 {
            case 0:
                let query = TaskQuery(pageSize: 20, statuses: [.queued], newestFirst: noise.chance(of: 2))
                _ = await call("list") { () async throws(DMSClientError) in try await client.tasks.list(query) }
            case 1: _ = await call("stats") { () async throws(DMSClientError) in try await client.tasks.stats() }
            default:
                guard let number = ledger.recent(noise.next()) else { continue }
                _ = await call("get") { () async throws(DMSClientError) in
                    try await client.tasks.get(SoakLedger.id(number))
                }
            }
        }
    }

    /// Makes a call, and keeps how long it took, unless it waits for a task, or why it failed.
    private func call<Value>(
        _ name: String?, _ body: () async throws(DMSClientError) -> Value
    ) async -> Value? {
        let start = ContinuousClock.now
        do {
            let value = try await body()
            if let name { ledger.answered(name, in: .now - start) }
            return value
        } catch {
            ledger.failed(name ?? "next", SoakClient.reason(error))
            return nil
        }
    }

    /// Why a call failed, from a closed set.
    static func reason(_ error: DMSClientError) -> String {
        switch error {
        case .rpc(let error): error.reason
        case .unreachable: "unreachable"
        case .connectionLost: "connection lost"
        case .outcomeUnknown: "outcome unknown"
        case .deadlineExceeded: "deadline exceeded"
        case .cancelled: "cancelled"
        case .noScheduler: "no scheduler"
        case .protocolViolation: "protocol violation"
        case .requestTooLarge: "request too large"
        case .closed: "closed"
        }
    }
}

/// Noise with a seed, and what is made of it.
struct SoakNoise: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in so many times.
    mutating func chance(of count: UInt64) -> Bool { next() % count == 0 }

    /// Sleeps for a time around the given one, or until the task is canceled.
    mutating func sleep(_ time: Duration) async {
        try? await Task.sleep(for: time * Double.random(in: 0...2, using: &self))
    }

    /// Parameters of a few sizes.
    static func parameters(_ number: Int) -> ByteBuffer {
        let size = number % 100 == 0 ? 20_000 : number % 10 * 40
        return ByteBuffer(string: #"{"number":\#(number),"path":"\#(String(repeating: "/a", count: size / 2))"}"#)
    }
}
