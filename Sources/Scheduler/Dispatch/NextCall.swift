public import DMSModel
import Logging
public import NIOCore

/// One `Next` under way, on the event loop of its service.
///
/// It asks for tasks at once and then, where it may wait, parks until there are some, its wait is over or it is given up.
public final class NextCall {
    /// What it is answered with; fails with a ``DMSModel/SchedulerError`` only.
    public var answer: EventLoopFuture<NextAnswer> { promise.futureResult }

    private let service: SchedulerService
    private let caller: HandOutScript.Caller
    private let promise: EventLoopPromise<NextAnswer>
    private let onParked: () -> Void
    private let deadline: NIODeadline?
    private let wakes: UInt64
    private var id: UInt64?
    private var waiting: Scheduled<Void>?
    private var outcomes: [LeaseOutcome]?
    private var handOut: HandOut?
    private var isAbandoned = false

    init(
        _ service: SchedulerService, _ caller: HandOutScript.Caller, waitMilliseconds: UInt32,
        onParked: @escaping () -> Void
    ) {
        self.service = service
        self.caller = caller
        self.onParked = onParked
        promise = service.eventLoop.makePromise()
        deadline = waitMilliseconds == 0 ? nil : .now() + .milliseconds(Int64(waitMilliseconds))
        // Before anything is asked, so that no task that comes after is missed.
        wakes = service.lot.wakes
    }

    /// Gives the call up: a parked one takes no task any more, and tasks that it has, or gets still, go back to the heads of
    /// their queues.
    ///
    /// Called too where the answer could not be delivered.
    public func abandon() {
        guard !isAbandoned else { return }
        isAbandoned = true
        waiting?.cancel()
        if let id { _ = service.lot.abandon(id) }
        if let handOut { putBack(handOut) }
        promise.fail(SchedulerError(.cancelled, "The call was given up"))
    }

    /// Waits no longer: a parked call is answered without a task.
    public func endWait() {
        guard let id, service.lot.endWait(id) else { return }
        waiting?.cancel()
        receive(HandOut())
    }

    /// Refuses the call before it asked for anything.
    func fail(_ error: SchedulerError) { promise.fail(error) }

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
        guard caller.answerKey != nil else { return wait() }
        var repetition = caller
        repetition.wanted = 0
        ask(repetition, then: wait)
    }

    /// Asks once; goes on with the body where there is nothing.
    private func ask(_ caller: HandOutScript.Caller, then body: @escaping () -> Void) {
        service.dispatcher.handOut(to: caller).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let handOut):
                guard handOut.tasks.isEmpty, !handOut.isRepeated else { return self.receive(handOut) }
                body()
            case .failure(let error): self.promise.fail(error)
            }
        }
    }

    private func wait() {
        guard !isAbandoned else { return }
        guard let deadline, deadline > .now() else { return receive(HandOut()) }
        let id = service.lot.makeID()
        let call = NIOLoopBound(self, eventLoop: service.eventLoop)
        let parked = ParkedCall(id: id, caller: caller) { ending in
            call.eventLoop.execute { call.value.end(ending) }
        }
        do throws(SchedulerError) {
            let isLate = try service.lot.park(parked, since: wakes)
            self.id = id
            waiting = service.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.waitEnded() }
            onParked()
            if isLate { service.requestWake() }
        } catch {
            promise.fail(error)
        }
    }

    private func waitEnded() {
        guard let id, service.lot.endWait(id) else { return }
        // Once more: a message may have been lost, an answer kept meanwhile; and Redis may be away, which is no empty queue.
        ask(caller) { self.receive(HandOut()) }
    }

    private func end(_ ending: ParkedCall.Ending) {
        waiting?.cancel()
        switch ending {
        case .handOut(let handOut): receive(handOut)
        case .nothing: if !isAbandoned { ask(caller) { self.receive(HandOut()) } }
        case .failed(let error): promise.fail(error)
        }
    }

    private func receive(_ handOut: HandOut) {
        guard !isAbandoned else { return putBack(handOut) }
        self.handOut = handOut
        answerIfComplete()
    }

    private func answerIfComplete() {
        guard !isAbandoned, let handOut, let outcomes else { return }
        promise.succeed(NextAnswer(leasedTasks: handOut.tasks, acks: outcomes))
    }

    private func putBack(_ handOut: HandOut) {
        guard !handOut.tasks.isEmpty else { return }
        service.putBacks.add(
            PutBackScript.Undelivered(number: handOut.number, tasks: handOut.tasks, answerKey: caller.answerKey))
    }
}
