import Scheduler

/// A call that has no answer yet.
final class OpenCall {
    var deadline: DeadlineQueue.Ticket?
    /// How a call that may wait is given up; nil of others, which run to their end.
    var control: NextCall?
    /// Whether it waits for a task, so that it counts apart.
    var isParked = false
}
