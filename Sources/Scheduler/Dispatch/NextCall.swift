public import DMSModel
import Logging
public import NIOCore

/// One `Next` under way, on the event loop of its service.
///
/// It asks for tasks at once and then, where it may wait, parks until there are some, its wait is over or it is given up.
public final class NextCall {
    private let service: SchedulerService
    private let caller: HandOutScript.Caller
    private let origin: CallOrigin?
    private let onParked: () -> Void
    private let deadline: NIODeadline?
    private let wakes: UInt64
    /// Its place among all calls that may wait.
    private let id: UInt64?
    private var waiting: DeadlineQueue.Ticket?
    private var outcomes: [LeaseOutcome]?
    private var handOut: HandOut?
    private var isAbandoned = false
    /// Whether an answer to it was lost that may have held tasks, and is kept.
    private var mayHoldTasks = false
    private var isPaused = false
    private var result: Result<NextAnswer, SchedulerError>?
    private var onAnswer: ((Result<NextAnswer, SchedulerError>) -> Void)?

    init(
        _ service: SchedulerService, _ caller: HandOutScript.Caller, waitMilliseconds: UInt32,
        from origin: CallOrigin?, onParked: @escaping () -> Void
    ) {
        self.service = service
        self.caller = caller
        self.origin = origin
        self.onParked = onParked
        deadline = waitMilliseconds == 0 ? nil : .now() + .milliseconds(Int64(waitMilliseconds))
        id = waitMilliseconds == 0 ? nil : service.lot.makeID()
        // Before anything is asked, so that no task that comes after is missed.
        wakes = waitMilliseconds == 0 ? 0 : service.lot.wakes
    }

    /// Calls the body with what the call is answered with, once, on the loop: at once where it was answered already.
    public func whenAnswered(_ body: @escaping (Result<NextAnswer, SchedulerError>) -> Void) {
        if let result { body(result) } else { onAnswer = body }
    }

    /// What it is answered with; fails with a ``DMSModel/SchedulerError`` only.
    ///
    /// Takes the place of ``whenAnswered(_:)``: one of them may be asked for, once.
    public var answer: EventLoopFuture<NextAnswer> {
        let promise = service.eventLoop.makePromise(of: NextAnswer.self)
        whenAnswered { promise.completeWith($0.mapError { $0 as any Error }) }
        return promise.futureResult
    }

    private func complete(_ result: Result<NextAnswer, SchedulerError>) {
        guard self.result == nil else { return }
        var result = result
        if mayHoldTasks, case .failure(let error) = result, error.reason != .outcomeUnknown {
            // Not even an error that says so: an earlier attempt may have taken some.
            result = .failure(
                SchedulerError(
                    .outcomeUnknown, "An answer of Redis that may have held tasks was lost; then: \(error.message)"))
        }
        self.result = result
        onAnswer?(result)
        onAnswer = nil
    }

    /// Whether its answer is kept, so that it may be a repetition and get much at once.
    public var isReplayable: Bool { caller.kept != nil }

    /// Whether it has tasks that nobody else has.
    public var holdsTasks: Bool { !isAbandoned && handOut.map { !$0.tasks.isEmpty } ?? false }

    /// Gives the call up: a parked one takes no task any more, and tasks that it has, or gets still, go back to their places
    /// in their queues.
    ///
    /// Called too where the answer could not be delivered.
    public func abandon() {
        guard !isAbandoned else { return }
        isAbandoned = true
        isPaused = false
        stopTimer()
        if let id { _ = service.lot.abandon(id) }
        if let handOut, !handOut.tasks.isEmpty { putBack(handOut) } else { putBackWhatWasLost() }
        complete(.failure(SchedulerError(.cancelled, "The call was given up")))
    }

    /// Waits no longer: a parked call is answered without a task.
    public func endWait() {
        guard leavesLot() else { return }
        stopTimer()
        receive(HandOut())
    }

    /// A parked call takes no task for now: its client does not read what it gets.
    public func pause() {
        guard let id, service.lot.withdraw(id) else { return }
        isPaused = true
    }

    /// The call takes its place among those that wait again.
    public func resume() {
        guard isPaused else { return }
        isPaused = false
        park()
    }

    /// Whether the call waited, and does no longer.
    private func leavesLot() -> Bool {
        defer { isPaused = false }
        guard let id else { return false }
        return service.lot.endWait(id) || isPaused
    }

    /// Refuses the call before it asked for anything.
    func fail(_ error: SchedulerError) { complete(.failure(error)) }

    /// Starts; `acks` are done on the way, whatever the hand-out comes to.
    func start(acks: [LeaseReference]) {
        if acks.isEmpty {
            outcomes = []
        } else {
            service.acknowledge(acks).assumeIsolated().whenSuccess { outcomes in
                self.outcomes = outcomes
                self.answerIfComplete()
            }
        }
        guard deadline != nil, !service.lot.isEmpty else { return ask(caller, then: wait) }
        // Others wait already. An answer that was kept is not theirs.
        guard caller.kept != nil else { return wait() }
        var repetition = caller
        repetition.wanted = 0
        ask(repetition, then: wait)
    }

    /// Asks once; goes on with the body where there is nothing.
    private func ask(_ caller: HandOutScript.Caller, then body: @escaping () -> Void) {
        let receive = { (result: Result<HandOut, SchedulerError>) in
            switch result {
            case .success(let handOut):
                guard handOut.tasks.isEmpty, !handOut.isRepeated else { return self.receive(handOut) }
                body()
            case .failure(let error):
                if error.reason == .outcomeUnknown { self.noteLostAnswer() }
                self.complete(.failure(error))
            }
        }
        guard caller.kept != nil else { return service.dispatcher.handOut(to: caller, receive) }
        // What is repeated may be much, and costs nobody a task.
        service.replays.read(for: origin) {
            let promise = self.service.eventLoop.makePromise(of: HandOut.self)
            self.service.dispatcher.handOut(to: caller) { promise.completeWith($0.mapError { $0 as any Error }) }
            return promise.futureResult
        }.assumeIsolated().whenComplete { result in
            receive(result.mapError { $0 as? SchedulerError ?? SchedulerError(store: $0, wrote: true) })
        }
    }

    /// An answer was lost, and with it which tasks it held.
    private func noteLostAnswer() {
        mayHoldTasks = true
        // It may be over, since that comes from another loop: then nobody asks for it any more.
        if isAbandoned || handOut?.tasks.isEmpty == true { putBackWhatWasLost() }
    }

    /// Nobody asks any more for what a lost answer held; where no answer is kept, nobody can.
    private func putBackWhatWasLost() {
        guard mayHoldTasks, let kept = caller.kept else { return }
        mayHoldTasks = false
        service.putBacks.add(PutBackScript.Undelivered(handOut: HandOut(), kept: kept))
    }

    private func wait() {
        guard !isAbandoned else { return }
        guard let deadline, deadline > .now() else { return receive(HandOut()) }
        guard park() else { return }
        waiting = service.deadlines.schedule(at: deadline) { self.waitEnded() }
        onParked()
    }

    /// Stands among those that wait, in the order in which they came; false where that failed, and the call with it.
    @discardableResult private func park() -> Bool {
        guard let id else { return false }
        let call = NIOLoopBound(self, eventLoop: service.eventLoop)
        let parked = ParkedCall(id: id, caller: caller) {
            call.eventLoop.execute { call.value.noteLostAnswer() }
        } end: { ending in
            call.eventLoop.execute { call.value.end(ending) }
        }
        do throws(SchedulerError) {
            if try service.lot.park(parked, since: wakes) { service.requestWake(1) }
            return true
        } catch {
            stopTimer()
            complete(.failure(error))
            return false
        }
    }

    private func stopTimer() {
        if let waiting { service.deadlines.cancel(waiting) }
        waiting = nil
    }

    private func waitEnded() {
        guard leavesLot() else { return }
        // Once more: a message may have been lost, an answer kept meanwhile; and Redis may be away, which is no empty queue.
        ask(caller) { self.receive(HandOut()) }
    }

    private func end(_ ending: ParkedCall.Ending) {
        stopTimer()
        switch ending {
        case .handOut(let handOut): receive(handOut)
        case .nothing: if !isAbandoned { ask(caller) { self.receive(HandOut()) } }
        case .failed(let error): complete(.failure(error))
        }
    }

    private func receive(_ handOut: HandOut) {
        guard !isAbandoned else { return putBack(handOut) }
        self.handOut = handOut
        if handOut.tasks.isEmpty {
            // It is said that there was nothing: so it has to stay.
            putBackWhatWasLost()
        } else {
            mayHoldTasks = false
        }
        answerIfComplete()
    }

    private func answerIfComplete() {
        guard !isAbandoned, let handOut, let outcomes else { return }
        complete(.success(NextAnswer(leasedTasks: handOut.tasks, acks: outcomes)))
    }

    private func putBack(_ handOut: HandOut) {
        guard !handOut.tasks.isEmpty else { return }
        service.putBacks.add(PutBackScript.Undelivered(handOut: handOut, kept: caller.kept))
    }
}
