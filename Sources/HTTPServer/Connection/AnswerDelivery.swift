import NIOCore
import Scheduler

/// Sees to it that a task which does not reach its connection's client goes back: from the call to what the client's kernel has.
///
/// An answer that was written may lie in a buffer here, or be on its way, when its client goes away. So the last answer with a
/// task is kept in mind until the client's kernel has it, which is looked after once a second, and when the client ends the
/// connection: then the kernel here knows whether it had the answer.
final class AnswerDelivery {
    /// Between two looks whether an answer has arrived; most have at the first.
    private static let pause = TimeAmount.seconds(1)

    private let deadlines: DeadlineQueue
    /// The call whose answer is due.
    private var due: NextCall?
    /// The call whose answer was written last, with tasks, unless it is known to have arrived.
    private var sent: NextCall?
    private var nextLook: DeadlineQueue.Ticket?
    private var hasClientEnded = false

    init(_ deadlines: DeadlineQueue) { self.deadlines = deadlines }

    /// The call's answer is due from now on.
    func begin(_ call: NextCall) {
        // An answer before it that was never written never will be.
        due?.abandon()
        due = call
    }

    /// The call waits no longer.
    func endWait() { due?.endWait() }

    /// The answer that is due will not be written.
    func abandon() {
        due?.abandon()
        due = nil
    }

    /// Another answer begins, to a request that mostly came behind the answer before: and what is known of the connection as a
    /// whole from now on says nothing of that one.
    func answerBegins() { sent = nil }

    /// The end of an answer is written with the promise that this returns.
    func write(_ promise: EventLoopPromise<Void>?, on channel: any Channel) -> EventLoopPromise<Void>? {
        guard let call = due else { return promise }
        due = nil
        guard call.holdsTasks else { return promise }
        let written = promise ?? channel.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenFailure { _ in call.abandon() }
        sent = call
        if nextLook == nil { lookLater(channel) }
        return written
    }

    private func lookLater(_ channel: any Channel) {
        nextLook = deadlines.schedule(at: .now() + AnswerDelivery.pause) {
            self.nextLook = nil
            self.look(channel)
            if self.sent != nil { self.lookLater(channel) }
        }
    }

    /// The client sends no more: it may be gone.
    func clientEnded(_ channel: any Channel) {
        hasClientEnded = true
        due?.endWait()
        look(channel)
    }

    /// The client has reset the connection.
    func clientReset(_ channel: any Channel) { look(channel) }

    private func look(_ channel: any Channel) {
        guard sent != nil else { return }
        DeliveryCheck(channel)?.look { self.settle($0) }
    }

    private func settle(_ outcome: DeliveryCheck.Outcome) {
        switch outcome {
        case .delivered: sent = nil
        case .refused:
            sent?.abandon()
            sent = nil
        case .uncertain:
            // Whoever sent its last before would have had its kernel say that it has the answer. Of anybody else only it
            // knows, and nothing is handed out twice.
            if hasClientEnded { sent?.abandon() }
            sent = nil
        case .pending: break
        }
    }

    /// Calls the body once the client has all that was written, or is known to be gone; at once, mostly.
    func whenKnown(_ channel: any Channel, _ body: @escaping () -> Void) {
        guard let check = DeliveryCheck(channel) else { return body() }
        check.whenKnown { isDelivered in
            self.settle(isDelivered ? .delivered : .refused)
            body()
        }
    }

    /// The connection is over.
    func connectionEnded() {
        if let nextLook { deadlines.cancel(nextLook) }
        nextLook = nil
        abandon()
        // Its client had ended it before, and it was not known whether the answer arrived.
        if hasClientEnded { settle(.refused) }
        sent = nil
    }
}
