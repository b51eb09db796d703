import DMSModel
import Logging
import NIOCore
import Scheduler

/// The end of a connection.
extension ConnectionHandler {
    /// Lets the calls in flight end, and the connection with them.
    func drain() { drain(SchedulerError(.draining, "The server is shutting down")) }

    private func drain(_ reason: SchedulerError) {
        guard context != nil, state.isOpen, !state.isDraining else { return }
        state.drain()
        if state.knowsExtensions { writeGoAway(reason) }
        process()
    }

    /// Ends the connection where its client was silent, or deaf, for too long; what is ending already has its own times.
    func look() {
        watching = nil
        guard let context, state.isOpen else { return }
        let unsentBytes = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let sight = ConnectionWatch.Sight(
            frames: state.frames, isMidFrame: state.isMidFrame, isReading: mayRead, hasCalls: state.hasCalls,
            sentBytes: writtenBytes - unsentBytes, unsentBytes: unsentBytes)
        let verdict = watch.look(at: sight, .now())
        switch verdict {
        case .goOn: watching = connections.deadlines.schedule(at: watch.nextLook) { self.look() }
        case .retire: drain(SchedulerError(.draining, "Nothing was asked for here in a long time"))
        case .closeUnused, .closeStalled, .closeUnread:
            counters.countTimedOutConnection()
            logger.debug("A connection is closed for its silence", metadata: ["why": "\(verdict)"])
            // What was not taken goes back: its writes fail.
            closeAtOnce()
        }
    }

    func closeAtOnce() { context?.close(promise: nil) }

    /// Takes no more from the client, and closes the connection when the calls in flight are answered.
    ///
    /// Their answers may hold tasks, which would be lost with them.
    func end() {
        guard state.isOpen else { return }
        state.end()
        endWaits()
        closeLater(limits.finishing) {
            for streamID in self.calls.keys.sorted() {
                _ = self.giveUp(
                    streamID, SchedulerError(.outcomeUnknown, "The connection ended before the call did"))
            }
            // The answers may wait for a client that does not read; the end does not.
            self.finish()
        }
    }

    func closeLater(_ time: Duration, _ body: @escaping () -> Void) {
        closing?.cancel()
        closing = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time), body)
    }

    /// Sends what is due and ends the connection.
    ///
    /// What the client still sends is read and dropped for a while: closing on unread bytes would reset the connection,
    /// and might cost the client its last answers.
    func finish() {
        guard !state.isClosing, let context else { return }
        state.close()
        closeLater(limits.flushing) { self.closeAtOnce() }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.closeOutput() }
        flush(promise: sent)
    }

    private func closeOutput() {
        guard let context else { return }
        guard !state.hasInputEnded else { return closeWhenDelivered() }
        context.close(mode: .output, promise: nil)
        closeLater(limits.lingering) { self.closeAtOnce() }
        context.read()
    }

    /// Closes the connection of a client that sends no more: at once, or when it has the tasks that it was sent.
    ///
    /// Whether a client sends no more or is gone, its machine says the same; but what comes for one that is gone it refuses,
    /// and then the tasks go back.
    private func closeWhenDelivered() {
        guard let context else { return }
        guard !undelivered.isEmpty, let socket = DeliveryCheck(context.channel) else { return closeAtOnce() }
        socket.whenKnown { isDelivered in
            if isDelivered { self.undelivered.removeAll() }
            self.closeAtOnce()
        }
    }
}
