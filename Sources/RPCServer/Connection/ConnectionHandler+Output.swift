import DMSModel
import DMSWire
import NIOCore
import Scheduler

/// What a connection sends: answers are collected, and sent once a read burst or once a tick of the loop.
extension ConnectionHandler {
    private static let usualAnswerBytes = 512

    /// Writes an answer, or the error that it is too large; says whether it fits.
    ///
    /// `room` is what a read had asked for; of other answers the large ones are counted here.
    func write(
        _ message: some WireMessage, _ streamID: UInt32, holder: NextCall?, room: AnswerRoom? = nil
    ) -> Bool {
        // What has to be known to have been sent is written by itself.
        if holder != nil { writeOutput() }
        // It would grow its way from nothing otherwise.
        if output.capacity == 0 { output.reserveCapacity(ConnectionHandler.usualAnswerBytes) }
        let start = output.writerIndex
        let fits = FrameEncoder.write(
            .response, streamID: streamID, message: AnswerEnvelope(message), into: &output)
        let bytes = output.writerIndex - start
        guard fits else {
            holder?.abandon()
            write(SchedulerError(.limitFrame, "The answer is larger than a frame may be"), streamID)
            return false
        }
        guard let context, holder != nil || room != nil || bytes > Limits.smallAnswerBytesMax else { return true }
        let sent = context.eventLoop.makePromise(of: Void.self)
        if let holder {
            sent.futureResult.assumeIsolated().whenFailure { _ in holder.abandon() }
            if state.hasInputEnded { undelivered.append(holder) }
        }
        if let answers = connections.answers, room != nil || bytes > Limits.smallAnswerBytesMax {
            let room = room ?? answers.claim(bytes)
            room.shrink(to: bytes)
            RoomWatch(room, of: answers, on: context.channel, connections.deadlines).hold(until: sent.futureResult) {
                self.counters.countTimedOutConnection()
                self.closeAtOnce()
            }
        }
        writeOutput(promise: sent)
        return true
    }

    func write(_ error: SchedulerError, _ streamID: UInt32) {
        if !writeIfFits(error, streamID) {
            // Its text quotes what the client sent, which may fill a frame by itself.
            let short = SchedulerError(
                error.reason, "The error's own message is larger than a frame may be", retryAfter: error.retryAfter)
            let fits = writeIfFits(short, streamID)
            precondition(fits, "a short sentence fits a frame")
        }
        scheduleFlush()
    }

    private func writeIfFits(_ error: SchedulerError, _ streamID: UInt32) -> Bool {
        let envelope = ResponseEnvelope(status: RPCStatus(error))
        return FrameEncoder.write(.response, streamID: streamID, message: envelope, into: &output)
    }

    func writeGoAway(_ error: SchedulerError) {
        FrameEncoder.write(
            .goaway, streamID: state.lastStreamID, data: RPCStatus(error).encoded(), into: &output)
        scheduleFlush()
    }

    /// Sends what is collected at the end of this tick, unless a read burst ends before.
    func scheduleFlush() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { self.flush() }
    }

    func flush(promise: EventLoopPromise<Void>? = nil) {
        isFlushScheduled = false
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard output.readableBytes > 0 || hasUnflushed || promise != nil else { return }
        writeOutput(promise: promise)
        hasUnflushed = false
        context.flush()
        process()
    }

    /// Hands what is collected to the channel, which sends it with the next flush.
    private func writeOutput(promise: EventLoopPromise<Void>? = nil) {
        guard let context, output.readableBytes > 0 || promise != nil else { return }
        let bytes = output
        writtenBytes += bytes.readableBytes
        output = ByteBuffer()
        hasUnflushed = true
        context.write(wrapOutboundOut(bytes), promise: promise)
    }
}
