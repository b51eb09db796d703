import DMSModel
public import NIOCore

/// Holds the room of a large answer until its client has taken the answer, and cuts the connection off where it takes nothing
/// while others wait for the room.
public final class RoomWatch {
    private static let pause = TimeAmount.seconds(1)

    private var room: AnswerRoom?
    private let memory: AnswerMemory
    private let channel: any Channel
    private let deadlines: DeadlineQueue
    private var nextLook: DeadlineQueue.Ticket?
    private var unsentBytes = Int.max
    private var takenAt = NIODeadline.now()

    /// Used on the channel's loop, as the deadlines are.
    public init(_ room: AnswerRoom, of memory: AnswerMemory, on channel: any Channel, _ deadlines: DeadlineQueue) {
        self.room = room
        self.memory = memory
        self.channel = channel
        self.deadlines = deadlines
    }

    /// Holds the room until the answer is written or has failed; `cutOff` is to close the connection, which lets the write fail.
    public func hold(until written: EventLoopFuture<Void>, cutOff: @escaping () -> Void) {
        written.assumeIsolated().whenComplete { _ in
            self.room = nil
            if let ticket = self.nextLook { self.deadlines.cancel(ticket) }
            self.nextLook = nil
        }
        lookLater(cutOff)
    }

    private func lookLater(_ cutOff: @escaping () -> Void) {
        guard room != nil else { return }
        nextLook = deadlines.schedule(at: .now() + RoomWatch.pause) {
            self.nextLook = nil
            if self.isStalled() { cutOff() } else { self.lookLater(cutOff) }
        }
    }

    /// Whether the client took nothing for too long, and somebody waits for what its answer takes up.
    private func isStalled() -> Bool {
        let unsent = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // Who takes a byte now and then keeps the room as long as who takes none.
        if unsent + Limits.roomBytesPerSecondMin <= unsentBytes { takenAt = .now() }
        unsentBytes = unsent
        return memory.isShort && .now() - takenAt >= TimeAmount(Limits.roomStallTime)
    }
}
