import DMSModel
import FaultLedger
import NIOCore
import TestSupport

/// One client: submitter, front end and operator at once, one call after another, as its own noise decides.
struct Client {
    /// Tasks that it holds before it does nothing but finish them.
    private static let heldMax = 12
    private static let rememberedMax = 80
    private static let settlingSecondsMax = 60.0
    /// Between two calls: what a run lasts is for faults, not for load.
    private static let thoughtMillisecondsMax = 30

    let number: Int
    let stage: Stage
    let caller: Caller
    var random: SplitMix
    private var held: [Held] = []
    /// Tasks that it held: their tokens are over, or will be.
    private var former: [Held] = []
    private var own: [Submission] = []
    /// Submissions of which it is not known whether they were taken.
    private var doubtful: [Submission] = []
    private var count = 0

    init(number: Int, stage: Stage) {
        self.number = number
        self.stage = stage
        caller = Caller(client: number, stage: stage)
        random = stage.random(for: 100 + number)
    }

    /// What is left of a client when the load is over.
    struct State: Sendable {
        var number: Int
        var stage: Stage
        var held: [Held]

        /// Finishes what is held, however often that takes.
        func settle() async {
            var client = Client(number: number, stage: stage)
            client.held = held
            // No name is given twice.
            client.count = 1_000_000
            await client.settle()
        }
    }

    /// What is to be settled.
    var state: State { State(number: number, stage: stage, held: held) }

    /// Works until the load is over; what it holds then is left to ``State/settle()``.
    mutating func work() async {
        while !stage.isOver, !Task.isCancelled {
            if held.count >= Client.heldMax { await finish() } else { await step() }
            await pause(Client.thoughtMillisecondsMax)
        }
        await caller.close()
    }

    private mutating func settle() async {
        let deadline = stage.seconds + Client.settlingSecondsMax
        while !held.isEmpty, stage.seconds < deadline, !Task.isCancelled { await finish() }
        await caller.close()
    }

    private mutating func step() async {
        let wants = stage.wantsTasks
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<(wants ? 430 : 120): await enqueue()
        case 0..<580: await fetch()
        case 0..<700: await finish()
        case 0..<735: await acknowledge()
        case 0..<765: await renew()
        case 0..<800: await giveBack()
        case 0..<845: forget()
        case 0..<900: await look()
        case 0..<925: await cancel()
        case 0..<955: await move()
        case 0..<980: await useFormer()
        case 0..<990: await statistics()
        case 0..<993: await list()
        case 0..<994: await block()
        default: await pause(30)
        }
    }

    private mutating func scheduler() -> Int { Int.random(in: 0..<stage.doors.count, using: &random) }

    private mutating func pause(_ millisecondsMax: Int) async {
        try? await Task.sleep(for: .milliseconds(Int.random(in: 0...millisecondsMax, using: &random)))
    }

    private mutating func name(_ kind: String) -> String {
        count += 1
        return "\(kind)\(number)-\(count)"
    }

    private static func prune<Element>(_ list: inout [Element]) {
        if list.count > rememberedMax { list.removeFirst(list.count - rememberedMax) }
    }
}

/// What front ends and operators do.
extension Client {
    private mutating func enqueue() async {
        var submission: Submission
        if let old = doubtful.last, random.chance(70) {
            doubtful.removeLast()
            submission = old
        } else {
            let priorities: [Priority] = [.low, .low, .low, .mid, .mid, .high]
            let task = name("t")
            submission = Submission(
                // A few users for each client, so that a user's list is of some hundred tasks.
                task: task, user: "u\(number)-\(count / 400)", parameters: #"{"n":\#(count),"of":"\#(task)"}"#,
                priority: priorities.randomElement(using: &random) ?? .low)
        }
        let scheduler = scheduler()
        let outcome =
            random.chance(30)
            ? await caller.enqueueREST(submission, on: scheduler) : await caller.enqueue(submission, on: scheduler)
        switch outcome {
        case .done:
            stage.tasksCame(1)
            own.append(submission)
            Client.prune(&own)
        case .unknown: doubtful.append(submission)
        case .refused(.taskExists): own.append(submission)
        case .refused, .notDone: await pause(20)
        }
    }

    private mutating func cancel() async {
        guard let task = own.randomElement(using: &random) else { return }
        let scheduler = scheduler()
        _ =
            random.chance(30)
            ? await caller.cancelREST(task.task, of: task.user, on: scheduler)
            : await caller.cancel(task.task, of: task.user, on: scheduler)
    }

    private mutating func move() async {
        guard let task = own.randomElement(using: &random),
            let priority = Priority.allCases.randomElement(using: &random)
        else { return }
        let scheduler = scheduler()
        _ =
            random.chance(30)
            ? await caller.setPriorityREST(task.task, priority, on: scheduler)
            : await caller.setPriority(task.task, priority, on: scheduler)
    }

    /// Looks at a task: mostly at one that it let go, to see it come back.
    private mutating func look() async {
        let task = random.chance(60) ? former.suffix(10).randomElement(using: &random)?.seen.task : nil
        guard let task = task ?? own.randomElement(using: &random)?.task else { return }
        let scheduler = scheduler()
        _ = random.chance(30) ? await caller.getREST(task, on: scheduler) : await caller.get(task, on: scheduler)
    }

    private mutating func statistics() async {
        let scheduler = scheduler()
        _ =
            random.chance(30) ? await caller.statisticsREST(on: scheduler) : await caller.statistics(on: scheduler)
    }

    private mutating func list() async {
        guard let user = own.randomElement(using: &random)?.user else { return }
        var pick = random
        _ = await caller.list(user: user) { Int.random(in: 0..<stage.doors.count, using: &pick) }
        random = pick
    }

    /// Blocks submissions for a moment; it is open again when this returns, or the run is over.
    private mutating func block() async {
        _ = await caller.block(true, on: scheduler())
        await pause(150)
        while !Task.isCancelled {
            if case .done = await caller.block(false, on: scheduler()) { return }
            await pause(50)
        }
    }
}

/// What submitters do.
extension Client {
    private mutating func fetch() async {
        let isREST = random.chance(15)
        let lease = random.chance(30) ? 0 : Int.random(in: 1000...2200, using: &random)
        let acks = isREST || random.chance(70) ? [] : held.filter { $0.isLeased && $0.ending == nil }.prefix(3)
        var fetch = Fetch(
            name: name("s"), isRepeatable: !isREST && random.chance(65),
            tasksMax: isREST || random.chance(60) ? 1 : Int.random(in: 2...8, using: &random),
            leaseMilliseconds: lease, acks: acks.map(\.proof))
        let wait = TimeAmount.milliseconds(random.chance(50) ? 0 : Int64.random(in: 50...1500, using: &random))
        noteAcknowledged(fetch.acks)
        var outcome = await attempt(fetch, wait: wait, isREST: isREST)
        apply(outcome, fetch.acks)
        fetch.acks = []
        guard fetch.isRepeatable else { return take(outcome) }
        for _ in 0..<8 {
            if case .done = outcome { break }
            guard random.chance(60) else { return }
            await pause(60)
            outcome = await attempt(fetch, wait: .zero, isREST: false)
        }
        take(outcome)
        if case .done(.tasks(let tasks, _)) = outcome, !tasks.isEmpty, random.chance(10) {
            _ = await attempt(fetch, wait: .zero, isREST: false)
        }
    }

    private mutating func attempt(_ fetch: Fetch, wait: TimeAmount, isREST: Bool) async -> Outcome {
        let scheduler = scheduler()
        if isREST { return await caller.nextREST(fetch, wait: wait, on: scheduler) }
        var manner = BinaryDoor.Manner(wait: wait)
        if random.chance(25) { manner.timeout = .milliseconds(Int64(random.magnitude(1...500))) }
        if random.chance(15) { manner.cancelAfter = .milliseconds(Int64(random.magnitude(0...400))) }
        return await caller.next(fetch, wait: wait, on: scheduler, manner)
    }

    private mutating func take(_ outcome: Outcome) {
        guard case .done(.tasks(let tasks, _)) = outcome else { return }
        stage.tasksCame(-tasks.count)
        held += tasks.map { Held(seen: $0) }
    }

    private mutating func noteAcknowledged(_ proofs: [Proof]) {
        for index in held.indices where proofs.contains(held[index].proof) { held[index].mayBeAcknowledged = true }
    }

    /// Lets go of what the scheduler says is not this client's any more.
    private mutating func apply(_ outcome: Outcome, _ proofs: [Proof]) {
        let outcomes: [ProofOutcome]
        switch outcome {
        case .done(.outcomes(let some)), .done(.tasks(_, acks: let some)): outcomes = some
        default: return
        }
        for (proof, outcome) in zip(proofs, outcomes) {
            guard case .refused = outcome.kind else { continue }
            letGo(proof)
        }
    }

    private mutating func letGo(_ proof: Proof) {
        guard let index = held.firstIndex(where: { $0.proof == proof }) else { return }
        former.append(held.remove(at: index))
        Client.prune(&former)
    }

    private mutating func leased() -> Held? {
        held.filter { $0.isLeased && $0.ending == nil }.randomElement(using: &random)
    }

    private mutating func acknowledge() async {
        guard let held = leased() else { return }
        noteAcknowledged([held.proof])
        apply(await caller.ack([held.proof], on: scheduler()), [held.proof])
    }

    private mutating func renew() async {
        let proofs = held.filter { $0.isLeased && $0.ending == nil }.prefix(5).map(\.proof)
        guard !proofs.isEmpty else { return }
        // Never for less than before, so that of all ends of a lease the latest counts.
        let milliseconds = random.chance(50) ? 0 : 2200
        apply(await caller.renew(proofs, milliseconds: milliseconds, on: scheduler()), proofs)
    }

    private mutating func giveBack() async {
        guard let held = leased() else { return }
        letGo(held.proof)
        // Whatever comes of it: nobody else may finish what may be somebody else's now.
        let deadline = stage.seconds + Client.settlingSecondsMax
        while stage.seconds < deadline, !Task.isCancelled {
            switch await caller.giveBack(held.proof, on: scheduler()) {
            case .done, .refused: return
            case .notDone, .unknown: await pause(60)
            }
        }
        stage.recorder.incident("\(held.seen.task) could not be given back")
    }

    /// Lets a lease end by itself, as a submitter does that is gone.
    private mutating func forget() {
        guard let gone = held.last(where: { $0.isLeased && !$0.mayBeAcknowledged && $0.ending == nil }) else { return }
        letGo(gone.proof)
    }

    private mutating func finish() async {
        guard let index = held.indices.randomElement(using: &random) else { return await pause(5) }
        if held[index].ending == nil {
            let text = name("r")
            held[index].ending =
                random.chance(80) ? Ending(succeeded: true, text: "\"\(text)\"") : Ending(succeeded: false, text: text)
        }
        let proof = held[index].proof
        guard let ending = held[index].ending else { return }
        switch await caller.finish(proof, ending, on: scheduler()) {
        case .done, .refused: letGo(proof)
        case .notDone, .unknown: await pause(40)
        }
    }

    /// Uses a token that it should not use any more, or repeats what it did with it.
    private mutating func useFormer() async {
        guard let one = former.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where one.isLeased && one.ending != nil: _ = await caller.ack([one.proof], on: scheduler())
        case 1 where one.isLeased: _ = await caller.renew([one.proof], milliseconds: 0, on: scheduler())
        case 2: if let ending = one.ending { _ = await caller.finish(one.proof, ending, on: scheduler()) }
        default:
            // With a token that was never given to anybody.
            let forged = Proof(task: one.seen.task, token: "forged\(random.next())")
            if random.chance(50) {
                _ = await caller.ack([forged], on: scheduler())
            } else {
                _ = await caller.finish(forged, Ending(succeeded: false, text: name("x")), on: scheduler())
            }
        }
    }
}
