import DMSModel

/// The calls of a history by what they are of; every rule starts here.
struct Index {
    /// Submissions of a task, in order.
    private(set) var enqueues: [String: [Call]] = [:]
    private(set) var cancels: [String: [Call]] = [:]
    private(set) var moves: [String: [Call]] = [:]
    private(set) var gets: [String: [Call]] = [:]
    private(set) var returns: [String: [Call]] = [:]
    /// Every attempt of a `Next`, by its submitter's name.
    private(set) var fetches: [String: [Call]] = [:]
    /// What was done with the proof of a hand-out.
    private(set) var uses: [Proof: [Use]] = [:]
    /// The hand-outs of a task that somebody received, by attempt.
    private(set) var deliveries: [String: [Delivery]] = [:]
    /// Writes that were answered.
    let confirmations: Confirmations

    init(_ calls: [Call]) {
        confirmations = Confirmations(calls)
        for call in calls { add(call) }
        var found: [Delivery.Key: Delivery] = [:]
        for (name, attempts) in fetches {
            for call in attempts { receive(call, name, attempts, into: &found) }
        }
        deliveries = Dictionary(grouping: found.values, by: \.seen.task).mapValues { deliveries in
            deliveries.sorted { ($0.seen.attempt, $0.completed.order) < ($1.seen.attempt, $1.completed.order) }
        }
    }

    private mutating func add(_ call: Call) {
        switch call.operation {
        case .enqueue(let submission): enqueues[submission.task, default: []].append(call)
        case .cancel(let task): cancels[task, default: []].append(call)
        case .setPriority(let task, _): moves[task, default: []].append(call)
        case .get(let task): gets[task, default: []].append(call)
        case .next(let fetch):
            fetches[fetch.name, default: []].append(call)
            use(fetch.acks, .ack, call)
        case .ack(let proofs): use(proofs, .ack, call)
        case .renew(let proofs, _): use(proofs, .renew, call)
        case .giveBack(let proof):
            returns[proof.task, default: []].append(call)
            use([proof], .giveBack, call)
        case .finish(let proof, let ending): use([proof], .finish(ending), call)
        case .list, .statistics, .block: break
        }
    }

    private mutating func use(_ proofs: [Proof], _ action: Use.Action, _ call: Call) {
        for (place, proof) in proofs.enumerated() {
            uses[proof, default: []].append(Use(call: call, action: action, outcome: call.outcome(ofProof: place)))
        }
    }

    private func receive(
        _ call: Call, _ name: String, _ attempts: [Call], into found: inout [Delivery.Key: Delivery]
    ) {
        guard case .done(.tasks(let tasks, _)) = call.outcome, let completed = call.completed,
            case .next(let fetch) = call.operation, let first = attempts.first
        else { return }
        for seen in tasks {
            let key = Delivery.Key(task: seen.task, token: seen.token, name: seen.token.isEmpty ? name : "")
            var delivery =
                found[key]
                ?? Delivery(
                    seen: seen, leaseMilliseconds: fetch.leaseMilliseconds, invoked: first.invoked,
                    completed: completed, calls: [])
            if completed.order < delivery.completed.order { delivery.completed = completed }
            delivery.calls.append(call.number)
            found[key] = delivery
        }
    }
}

/// A hand-out that reached its client.
struct Delivery {
    struct Key: Hashable {
        var task: String
        var token: String
        var name: String
    }

    var seen: SeenTask
    var leaseMilliseconds: Int
    /// When its `Next` was first sent.
    var invoked: Moment
    /// When it was first received.
    var completed: Moment
    var calls: [Int]

    var proof: Proof { Proof(task: seen.task, token: seen.token) }
    var isLeased: Bool { !seen.token.isEmpty }

    /// Redis's clock when it was handed out, at most.
    var grantedAtMost: Int64 {
        guard isLeased, let end = seen.leaseEndsAt else { return completed.redisAtMost }
        return min(end - Int64(leaseMilliseconds) * 1000, completed.redisAtMost)
    }
}

/// A call that was made with a proof.
struct Use {
    enum Action: Equatable {
        case ack
        case renew
        case giveBack
        case finish(Ending)
    }

    var call: Call
    var action: Action
    var outcome: ProofOutcome.Kind
    var leaseEndsAt: Int64?

    init(call: Call, action: Action, outcome: (ProofOutcome.Kind, Int64?)) {
        self.call = call
        self.action = action
        (self.outcome, leaseEndsAt) = outcome
    }

    /// Whether it did what it was to do, or may have.
    var mayBeDone: Bool { outcome == .done || outcome == .unknown }

    var isFinish: Bool {
        guard case .finish = action else { return false }
        return true
    }
}

extension Call {
    /// What came of one of its proofs.
    func outcome(ofProof place: Int) -> (ProofOutcome.Kind, Int64?) {
        switch outcome {
        case .done(.outcomes(let outcomes)), .done(.tasks(_, let outcomes)):
            // An answer that has none of them is another rule's business.
            place < outcomes.count ? (outcomes[place].kind, outcomes[place].leaseEndsAt) : (.unknown, nil)
        case .done: (.done, nil)
        case .refused(let reason): (acksAlone ? .refused(reason) : .unknown, nil)
        case .notDone: (acksAlone ? .notDone : .unknown, nil)
        case .unknown: (.unknown, nil)
        }
    }

    /// Whether its failure is that of its proofs: the acknowledgements of a `Next` may be done all the same.
    private var acksAlone: Bool {
        guard case .next = operation else { return true }
        return false
    }

    /// Whether it did what it was to do, or may have.
    var mayBeDone: Bool {
        switch outcome {
        case .done, .unknown: true
        case .refused, .notDone: false
        }
    }

    var isDone: Bool {
        guard case .done = outcome else { return false }
        return true
    }

    /// Whether its outcome was known before the other was sent.
    func precedes(_ other: Call) -> Bool { precedes(other.invoked) }

    func precedes(_ moment: Moment) -> Bool {
        guard let completed else { return false }
        return completed.order < moment.order
    }

    /// Whether it may have had an effect before the other's outcome was known.
    func mayAffect(_ other: Call) -> Bool {
        guard let completed = other.completed else { return true }
        return invoked.order < completed.order
    }

    var shownTask: SeenTask? {
        guard case .done(.task(let seen)) = outcome else { return nil }
        return seen
    }

    var shownTasks: [SeenTask] {
        switch outcome {
        case .done(.task(let seen)): [seen]
        case .done(.tasks(let seen, _)): seen
        default: []
        }
    }
}
