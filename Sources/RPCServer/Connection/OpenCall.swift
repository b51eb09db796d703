import NIOCore
import Scheduler

/// A call that has no answer yet.
final class OpenCall {
    /// When its request was there.
    let begun: NIODeadline
    /// The size of its request, while it counts among those that are answered soon.
    var bytes: Int
    /// The place of its method among what is counted.
    var operation: Int
    var deadline: DeadlineQueue.Ticket?
    /// How a call that may wait is given up; nil of others, which run to their end.
    var control: NextCall?
    /// Whether it waits for a task, so that it counts apart.
    var isParked = false
    /// Whether its answer is held back, since it came with a wrong token.
    var isHeldBack = false

    /// What it takes of what may be in flight of those whose answers may be of any size.
    var share: ConnectionState.BulkShare?

    init(begun: NIODeadline, bytes: Int, operation: Int) {
        self.begun = begun
        self.bytes = bytes
        self.operation = operation
    }
}
